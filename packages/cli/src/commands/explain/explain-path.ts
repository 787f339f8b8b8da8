/** Explains whether a file would be trusted: by which catalog or index, and which check decides. */

import { resolve } from "node:path";
import {
	ERROR_HELP,
	type ExplainedCheck,
	type ExplainedFile,
	explainFile,
	operandKind,
	parseTrustIndex,
} from "@sigtool/core/internal";
import { COMMAND, quote, SigtoolError, shellWord } from "@sigtool/core/internal/errors";
import { type InstalledVerdict, installedConf, installedVerdict } from "../../launcher/installed-verdict.js";
import { judgementOf } from "../../options/judgement.js";
import { fromIndexFile } from "../../output/index-file.js";
import { escaped, type Report, rows } from "../../output/output.js";
import { developmentNotes, shownPath } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { ExplainOptions } from "./explain-options.js";

export async function explainPath(path: string, options: ExplainOptions): Promise<Report> {
	const { catalog, root, product, profile, prefix } = options;
	const judgement = await judgementOf(options);
	if (catalog === undefined && operandKind(path) === "index") return explainIndex(path);
	const explained = await explainFile(path, { ...judgement, catalogs: catalog, root, product, profile });
	if (explained.says?.kind !== "file" && explained.says?.kind !== "link" && operandKind(path) === "missing") {
		const message = `Cannot explain ${quote(path)}: it is no code, no event, and no file that exists or is signed`;
		throw new SigtoolError("ERR_ROOT_MISSING", message, { path });
	}
	const conf = explained.kind === "file" ? installedConf(resolve(prefix)) : undefined;
	const installed = conf && installedVerdict(resolve(path), conf, (code) => ERROR_HELP[code].remedy);
	return reportOf(explained, installed);
}

function reportOf(explained: ExplainedFile, installed: InstalledVerdict | undefined): Report {
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
		},
		lines: [
			headline(explained, failed, installed),
			...rows([
				// On a host the launcher decides, so what it says comes first.
				["launcher", installed && escaped(installed.says)],
				...catalogs.map((each): [string, string] => ["covered by", escaped(claimText(each))]),
				["entry", entry === undefined ? undefined : escaped(entry)],
				["it says", saysText(explained)],
				...checks.map((check): [string, string] => [check.check, escaped(asTyped(checkText(check), catalogs))]),
				[installed === undefined ? "what to do" : "for verify", remedy],
				["page", failed?.code && `docs/reference/errors.md#${failed.code.toLowerCase()}`],
				["see also", installed && `\`${COMMAND} why ${shellWord(path)}\` for a refusal while a program ran`],
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
					`\`${COMMAND} verify ${shellWord(path)} --signature-only\`, and \`${COMMAND} inspect ${shellWord(path)}\``,
				],
			]),
		],
	};
}
