/**
 * Explains a file: its last refusal where events are known, by which catalog or index it would be trusted, and which check
 * decides.
 */

import { resolve } from "node:path";
import {
	ERROR_HELP,
	type ExplainedCheck,
	type ExplainedFile,
	explainFile,
	operandKind,
	parseTrustIndex,
} from "@sigtool/core/internal";
import { COMMAND, quote, reasonOf, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { explain } from "../../events/explain.js";
import { mendOf } from "../../events/mends.js";
import { type GrantedWriting, grantedWriting } from "../../launcher/granted-writing.js";
import { type InstalledVerdict, installedConf, installedVerdict } from "../../launcher/installed-verdict.js";
import type { LauncherConf } from "../../launcher/launcher-conf.js";
import { isThere } from "../../launcher/launcher-place.js";
import { judgementOf } from "../../options/judgement.js";
import { fromIndexFile } from "../../output/index-file.js";
import { escaped, type Report, rows } from "../../output/output.js";
import { developmentNotes, shownPath } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { ExplainOptions } from "./explain-options.js";
import { lastAbout, realPathOf } from "./refusals.js";

export async function explainPath(path: string, options: ExplainOptions): Promise<Report> {
	const conf = installedConf(resolve(options.prefix));
	const past = pastOf(path, options, conf);
	const isIndex = options.catalog === undefined && operandKind(path) === "index";
	const { fields, lines, ...report } = isIndex ? explainIndex(path) : await explainNow(path, options, conf, past);
	return {
		...report,
		fields: { ...fields, ...past?.fields },
		lines: past?.isRefused ? [...past.lines, ...lines] : [...lines, ...(past?.lines ?? [notLookedFor(options)])],
	};
}

function notLookedFor({ prefix }: ExplainOptions): string {
	return `no launcher is installed in ${quote(prefix)}; to look for refusals, name its directory with --prefix, or the events with --log`;
}

interface Past {
	readonly isRefused: boolean;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
}

/** Looks for the last refusal of the file. Returns undefined if there are no events to look through. */
function pastOf(path: string, { log }: ExplainOptions, conf: LauncherConf | undefined): Past | undefined {
	if (log === undefined && conf === undefined) return undefined;
	const logs = log ?? (conf?.audit !== undefined && isThere(conf.audit) ? [conf.audit] : []);
	const { refusal, since } = lastAbout(resolve(path), logs);
	const explanation = refusal && explain(refusal);
	const none = `no refusal of ${escaped(path)} in ${placesText(logs, since, log === undefined)}`;
	return {
		isRefused: explanation !== undefined,
		fields: { logs, since, ...explanation?.fields },
		lines: explanation?.lines ?? [none],
	};
}

/** Names the files that were looked through, and how far back they go. */
function placesText(logs: readonly string[], since: string | undefined, isDefault: boolean): string {
	const places = logs.length === 0 ? "any log" : logs.map(escaped).join(", ");
	const reach =
		logs.length === 0 ? "" : since === undefined ? ", without events" : `, with events since ${escaped(since)}`;
	return `${places}${reach}${isDefault ? "; name others, such as rotated ones, with --log" : ""}`;
}

/** Says what the catalogs and the installed launcher would decide. */
async function explainNow(
	path: string,
	options: ExplainOptions,
	conf: LauncherConf | undefined,
	past: Past | undefined,
): Promise<Report> {
	const explained = await explainedBy(options, path, past);
	const isGone = operandKind(path) === "missing" && explained.says?.kind !== "file" && explained.says?.kind !== "link";
	if (isGone && past === undefined) {
		const message = `Cannot explain ${quote(path)}: it is no code, no event, and no file that exists or is signed`;
		throw new SigtoolError("ERR_ROOT_MISSING", message, { path });
	}
	const isFile = explained.kind === "file" || explained.kind === "missing";
	const installed = conf && isFile ? installedVerdict(resolve(path), conf, mendOf) : undefined;
	// Nobody expects to write to a file that a signature covers.
	const write = conf && installed?.fields.entry === undefined ? grantedWriting(realPathOf(path), conf) : undefined;
	const report = reportOf(explained, installed, write);
	// In the events of another host, files have paths that are not on this one.
	return isGone && conf === undefined ? { ...report, lines: [] } : report;
}

/** Asks the catalogs. What stops this, such as a file that nobody may read, is a failed check if the past is known. */
async function explainedBy(options: ExplainOptions, path: string, past: Past | undefined): Promise<ExplainedFile> {
	const { catalog, root, product, profile } = options;
	try {
		const judgement = await judgementOf(options);
		return await explainFile(path, { ...judgement, catalogs: catalog, root, product, profile });
	} catch (error) {
		if (past === undefined || !(error instanceof SigtoolError) || error.code === "ERR_USAGE") throw error;
		const check = { check: "catalog", outcome: "failed", code: error.code, says: reasonOf(error) } as const;
		const unknown = { entry: undefined, says: undefined, trusted: false, development: false };
		return { path, kind: operandKind(path), catalogs: [], checks: [check], ...unknown };
	}
}

function reportOf(
	explained: ExplainedFile,
	installed: InstalledVerdict | undefined,
	write: GrantedWriting | undefined,
): Report {
	const { path, kind, catalogs, entry, says, checks, trusted, development } = explained;
	const failed = checks.find(({ outcome }) => outcome === "failed");
	const remedy = failed?.code && ERROR_HELP[failed.code].remedy;
	return {
		exit: 0,
		fields: {
			kind: "file",
			path,
			fileKind: kind,
			trusted,
			development,
			catalogs: catalogs.map(({ file, product = null, sequence = null }) => ({ file, product, sequence })),
			entry: entry ?? null,
			says: says === undefined ? null : { ...says, ...("mode" in says && { mode: says.mode?.toString(8) ?? null }) },
			checks: checks.map(({ code = null, ...check }) => ({ ...check, code })),
			remedy: remedy ?? null,
			installed: installed?.fields ?? null,
			...(write && { write: write.fields }),
		},
		lines: [
			headline(explained, failed, installed),
			...rows([
				// On a host the launcher decides, so what it says comes first.
				["launcher", installed && escaped(installed.says)],
				["write", write && escaped(write.says)],
				...catalogs.map((each): [string, string] => ["covered by", escaped(claimText(each))]),
				["entry", entry === undefined ? undefined : escaped(entry)],
				["it says", saysText(explained)],
				...checks.map((check): [string, string] => [check.check, escaped(asTyped(checkText(check), catalogs))]),
				[installed === undefined ? "what to do" : "for verify", remedy],
				["page", failed?.code && `docs/reference/errors.md#${failed.code.toLowerCase()}`],
			]),
		],
		notes: developmentNotes(path, [{ development }]),
	};
}

/** Says what the launcher decides if one is installed, and then what the catalogs and this user's trust store decide. */
function headline(
	{ path, trusted, kind }: ExplainedFile,
	failed: ExplainedCheck | undefined,
	installed: InstalledVerdict | undefined,
): string {
	const name = escaped(path);
	if (installed !== undefined) {
		const byStore = failed === undefined ? "it is trusted" : `it is not trusted: ${failed.code}`;
		const reason = installed.fields.reason === undefined ? "" : ` (${installed.fields.reason})`;
		return `the launcher ${LOADS[installed.loads]} ${name}${reason}; by its catalog and your trust store ${byStore}`;
	}
	if (failed !== undefined) return `${colour.red("not trusted")} ${name}: ${failed.code}`;
	if (trusted) return `${colour.green("trusted")} ${name}`;
	return `${colour.green("signed")} ${name}: the files of the ${kind === "directory" ? "directory" : "catalog"} were not compared`;
}

const LOADS: Readonly<Record<InstalledVerdict["loads"], string>> = {
	yes: colour.green("would load"),
	no: colour.red("would refuse"),
	unknown: colour.yellow("cannot judge"),
};

function claimText({ file, product, sequence }: ExplainedFile["catalogs"][number]): string {
	const release = sequence === undefined ? "" : `, sequence ${sequence}`;
	return `${shownPath(file)}${product === undefined ? "" : `, of ${product}${release}`}`;
}

/** Names the catalogs in a text as `claimText` does. */
function asTyped(text: string, catalogs: ExplainedFile["catalogs"]): string {
	return catalogs.reduce((told, { file }) => told.replaceAll(quote(file), quote(shownPath(file))), text);
}

function saysText({ says }: ExplainedFile): string | undefined {
	switch (says?.kind) {
		case undefined:
			return undefined;
		case "file": {
			const mode = says.mode === undefined ? "" : `, mode ${says.mode.toString(8)}`;
			return says.digest === "" ? `a file without content${mode}` : `a file with digest ${says.digest}${mode}`;
		}
		case "link":
			return `a link to ${escaped(says.target)}`;
		case "hidden":
			return "nothing: a signed ignore rule leaves it out, so verify of the tree does not report it";
		case "outside":
			return "nothing: the catalog covers other files of the tree, so verify of the tree does not report it";
		case "nothing":
			return "nothing: verify of the tree reports it as added";
	}
}

function checkText({ outcome, says, code }: ExplainedCheck): string {
	if (outcome === "skipped") return says;
	return outcome === "passed" ? `passed: ${says}` : `failed: ${says} [${code}]`;
}

/** A trust index is not compared with a catalog. It names the trees that it was compiled from. */
function explainIndex(path: string): Report {
	const { products } = fromIndexFile(path, parseTrustIndex);
	return {
		exit: 0,
		fields: {
			kind: "index",
			path,
			products: products.map(({ name, root, sequence = null }) => ({ name, root, sequence })),
		},
		lines: [
			`${escaped(path)} is a trust index, from which runtimes load`,
			...rows([
				...products.map(({ name, root }): [string, string] => ["product", escaped(`${name} in ${root}`)]),
				[
					"see also",
					`\`${shell`${COMMAND} verify ${path} --signature-only`}\`, and \`${shell`${COMMAND} inspect ${path}`}\``,
				],
			]),
		],
	};
}
