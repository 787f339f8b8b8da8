import { resolve } from "node:path";
import type { Finding, SignFormat, Verification } from "@sigtool/core";
import {
	isSignatureFormat,
	type KeepingCatalogs,
	operandKind,
	verifyKeeping,
	worstExitStatus,
} from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { isNamed } from "../../configuration/configuration.js";
import { namingMembers } from "../../configuration/naming-members.js";
import { type Judgement, judgementOf } from "../../options/judgement.js";
import { type SignerDemands, signerDemandsOf } from "../../options/signer-demands.js";
import { parseSize } from "../../options/size.js";
import { nothingNamed, usageError } from "../../options/usage.js";
import { countByKind, findingLines, findingWarnings } from "../../output/findings.js";
import { untilInterrupted } from "../../output/interruption.js";
import { type ExitStatus, escaped, oneLine, type Report, rows, worse } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import {
	catalogFields,
	catalogRows,
	count,
	developmentNotes,
	notesOfPins,
	shownPath,
	thousands,
} from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { ConfiguredVerify } from "./configured-verify.js";
import { subjectOf } from "./subject.js";
import { withUncoveredParts } from "./uncovered-parts.js";
import type { Outcome, VerifyCommandOptions } from "./verify-options.js";
import { versionControlHints } from "./version-control-hint.js";

/**
 * Verifies every path, even if the verification of an earlier path failed. @throws ERR_USAGE for options that have no
 * effect
 */
export async function verify(operands: readonly string[], given: VerifyCommandOptions): Promise<Report> {
	const { paths, options, notes, configuration } = await configured(operands, given);
	return namingMembers(configuration, () => verifyWith(paths, options, notes));
}

async function verifyWith(
	paths: readonly string[],
	options: VerifyCommandOptions,
	notes: readonly string[],
): Promise<Report> {
	const formats = [...new Set(options.format ?? ["cat" as const])];
	checkOptions(formats, options);
	const judgement = await judgementOf(options);
	const demands = await signerDemandsOf(options);
	const attributeFormats = formats.filter((format) => format !== "cat");
	// If nothing were judged, the worst of all outcomes would be a success.
	if (paths.length === 0 || formats.length === 0) throw nothingNamed("verify");
	const outcomes: Outcome[] = [];
	const isList = paths.length > 1;
	const keptCatalogs: KeepingCatalogs["keptCatalogs"] = new Map();
	for (const path of paths) {
		const judge = async (how: () => Promise<Outcome>) => outcomes.push(await orFailure(path, isList, how));
		const isOfIndex = formats.includes("cat") && options.catalog === undefined && isIndex(path);
		if (!isOfIndex) refuse({ "policy-signer": options.policySigner }, `${quote(path)} is no trust index`);
		if (isOfIndex) {
			await judge(async () => {
				refuseForIndex(options);
				return (await import("./verify-index.js")).verifyIndex(path, options, { ...judgement, ...demands });
			});
			continue;
		}
		if (formats.includes("cat")) {
			await judge(async () => verifyCatalogsOf(path, options, { ...judgement, ...demands, keptCatalogs }));
		}
		if (attributeFormats.length > 0) {
			await judge(async () => {
				const { verifyAttributesOf } = await import("./verify-attributes.js");
				return verifyAttributesOf(path, attributeFormats, options, { ...judgement, ...demands });
			});
		}
	}
	return {
		exit: outcomes.reduce<ExitStatus>((worst, { exit }) => worse(worst, exit), 0),
		get fields() {
			return { results: outcomes.map(({ fields }) => fields) };
		},
		lines: outcomes.flatMap(({ lines }) => lines),
		failures: outcomes.flatMap(({ exit, lines }) => (exit === 0 ? [] : lines)),
		problems: outcomes.flatMap(({ problems }) => problems),
		warnings: outcomes.flatMap(({ warnings }) => warnings),
		notes: [...notes, ...outcomes.flatMap((outcome) => outcome.notes)],
		get subjects() {
			return outcomes.map(subjectOf);
		},
	};
}

/** With operands, only a configuration that was named says more than the options do. */
async function configured(paths: readonly string[], options: VerifyCommandOptions): Promise<ConfiguredVerify> {
	if (paths.length > 0 && !isNamed(options)) return { paths, options, notes: [] };
	return (await import("./configured-verify.js")).configuredVerify(paths, options);
}

/**
 * Returns true if the path is a trust index. If the path cannot be read, returns false, and the verification reports
 * the error.
 */
function isIndex(path: string): boolean {
	try {
		return path !== "" && operandKind(path) === "index";
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

/** Refuses options that have no effect on a trust index. @throws ERR_USAGE */
function refuseForIndex({ require, root, match, added, maxSize, ignore }: VerifyCommandOptions): void {
	refuse({ require }, "it is about catalogs; compile takes it too");
	refuse(
		{ root, match, added, "max-size": maxSize, "no-ignore": ignore ? undefined : true },
		"a trust index is not a catalog",
	);
}

/**
 * Refuses an option that has no effect on the given formats. Otherwise the user could believe that it was applied.
 * @throws ERR_USAGE
 */
function checkOptions(formats: readonly SignFormat[], options: VerifyCommandOptions): void {
	const { catalog, root, product, match, tsaTrust, ignore, added, maxSize } = options;
	if (maxSize !== undefined) parseSize(maxSize);
	const { require, crl, ocsp, signatureOnly } = options;
	const { cert, attribute, allowUnsigned, namespace } = options;
	if (signatureOnly === true) {
		const ofFiles = { catalog, root, match, added, "max-size": maxSize, "no-ignore": ignore ? undefined : true };
		refuse(ofFiles, "--signature-only compares no files");
	}
	if (!formats.includes("cat")) {
		if (added !== undefined) {
			throw usageError("Leave --added out: a file without an attribute cannot be told from one that was stripped");
		}
		const ofCatalogs = {
			...{ catalog, root, product, match, "tsa-trust": tsaTrust, require, "signature-only": signatureOnly },
			"max-size": maxSize,
			"no-ignore": ignore ? undefined : true,
		};
		refuse(ofCatalogs, "it is about catalogs; add --format cat");
		const areHashes = formats.every((format) => format === "cat" || !isSignatureFormat(format));
		if (areHashes) refuse({ crl, ocsp }, "it is about signers, and nobody signs a hash");
	}
	if (formats.every((format) => format === "cat")) {
		refuse({ cert, namespace, "allow-unsigned": allowUnsigned }, "it is about attributes; name theirs with --format");
	}
	if (!formats.includes("spython")) refuse({ attribute }, "it is about --format spython");
}

function refuse(given: Readonly<Record<string, unknown>>, reason: string): void {
	const name = Object.keys(given).find((option) => given[option] !== undefined);
	if (name !== undefined) throw usageError(`Leave --${name} out: ${reason}`);
}

async function verifyCatalogsOf(
	path: string,
	options: VerifyCommandOptions,
	judgement: Judgement & SignerDemands & KeepingCatalogs,
): Promise<Outcome> {
	const progress = await startProgress("verifying", options);
	try {
		const verification = await untilInterrupted((signal) =>
			verifyKeeping(path, {
				...judgement,
				catalogs: options.catalog,
				root: options.root,
				product: options.product,
				profile: options.profile,
				match: options.match,
				added: options.added,
				extent: options.signatureOnly === true ? "signature" : "files",
				ignoreRules: options.ignore ? "apply" : "report",
				maxFileBytes: options.maxSize === undefined ? undefined : parseSize(options.maxSize),
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
		const { parts = [], added = "fail" } = options;
		return outcomeOf(added === "fail" ? withUncoveredParts(verification, parts) : verification, options);
	} finally {
		progress.stop();
	}
}

/**
 * Returns the outcome of `judge` for one path. If `judge` throws a SigtoolError, returns an outcome with this error. If
 * there are several paths, the report has a line for the failed path too.
 */
async function orFailure(path: string, isList: boolean, judge: () => Promise<Outcome>): Promise<Outcome> {
	try {
		return await judge();
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const { code, message, exitStatus } = error;
		const verdict = exitStatus === 1 ? "failed" : "undecided";
		const failure = { code, message, ...(error.path === undefined ? {} : { path: error.path }) };
		return {
			exit: exitStatus,
			fields: { path, verdict, error: failure, findings: [] },
			findings: [error],
			root: error.root,
			lines: isList ? [`${colour.red(verdict)} ${escaped(path)}`] : [],
			problems: [`${colour.red("error")}: ${oneLine(message)} [${code}]`],
			warnings: [],
			notes: [],
		};
	}
}

function outcomeOf(verification: Verification, options: VerifyCommandOptions): Outcome {
	const { path, verdict, findings, notices } = verification;
	const statuses = verification.catalogs.flatMap(({ revocation = [] }) => revocation);
	const pins = notesOfPins(verification.warnings, statuses, options);
	const passed = verdict === "trusted" || verdict === "signed";
	const headline = passed
		? `${colour.green(verdict)} ${escaped(path)}${verdict === "signed" ? ": its signature alone; no files were compared" : ""}`
		: `${colour.red(verdict)} ${escaped(path)}: ${differences(verification)}`;
	return {
		exit: passed ? 0 : worstExitStatus(findings),
		// The fields are computed only on demand, because they can be large and only --json needs them.
		get fields() {
			return verificationFields(verification);
		},
		findings: findings.map(withWayOut),
		notices: notices.map(withWayOut),
		root: verification.root,
		lines: [headline, ...describe(verification, options), ...findingLines(findings.map(withWayOut), options)],
		problems: [],
		warnings: [
			...pins.warnings,
			...findingWarnings(notices.map(withWayOut), options),
			...(options.ignore ? versionControlHints([...findings, ...notices]) : []),
		],
		notes: [
			...developmentNotes(
				path,
				verification.catalogs.map(({ signer }) => signer),
			),
			...pins.notes,
		],
	};
}

/**
 * Adds advice to a finding about a FIFO, a socket or a device. A catalog cannot contain such an entry, so the user must
 * remove the entry or exclude it when signing.
 */
function withWayOut(finding: Finding): Finding {
	if (finding.code !== "ERR_FILE_TYPE") return finding;
	return { ...finding, message: `${finding.message}; remove it, or sign the tree with --exclude` };
}

function differences({ verdict, findings }: Verification): string {
	if (verdict === "undecided") return count(findings.length, "unreadable entry", "unreadable entries");
	return `${count(findings.length, "difference")}: ${countByKind(findings)}`;
}

/**
 * Returns the rows about the catalogs and the tree, and about the number of entries that were compared or that signed
 * rules hid.
 */
function describe(verification: Verification, options: VerifyCommandOptions): string[] {
	const { path, root, catalogs, ignoredCount, leadsTo, outsideLinkCount = 0 } = verification;
	const rules = catalogs.flatMap(({ facts }) => [...facts.ignore, ...facts.include.map((glob) => `include ${glob}`)]);
	const shown = options.verbose === true ? rules : [];
	const hidden = `${count(ignoredCount, "entry", "entries")} by ${count(rules.length, "signed rule")}`;
	return rows([
		["link to", leadsTo === undefined ? undefined : escaped(shownPath(leadsTo))],
		...catalogs.flatMap((catalog) => catalogRows(catalog, options)),
		["tree", root === undefined || resolve(path) === root ? undefined : escaped(shownPath(root) || ".")],
		["covers", coverage(verification, options)],
		["checked", checked(verification)],
		["links", outsideLinkCount === 0 ? undefined : outsideLinks(outsideLinkCount)],
		[
			"hidden",
			rules.length === 0 ? undefined : options.ignore ? `${hidden}; --no-ignore reports them` : NOTHING_HIDDEN,
		],
		...shown.map((rule): [string, string] => ["rule", escaped(rule)]),
	]);
}

const NOTHING_HIDDEN = "nothing: --no-ignore reports what the signed rules hide";

function checked({ match, checkedCount, findings }: Verification): string {
	if (match !== "none") return `${count(checkedCount, "entry", "entries")} by ${match}`;
	const isOutside = findings.some(({ code }) => code === "ERR_LINK_OUTSIDE");
	return isOutside ? "nothing" : "the catalog's own signature; no files";
}

function outsideLinks(number: number): string {
	const lead = number === 1 ? "leads" : "lead";
	return `${count(number, "link")} ${lead} out of the tree; the files behind are not signed and were not looked at`;
}

/** Returns the text about the part of the tree that the catalogs cover, or undefined if they cover the whole tree. */
function coverage(
	{ covers, coveredPaths, otherCount = 0 }: Verification,
	{ all, added }: VerifyCommandOptions,
): string | undefined {
	const looksBeside = added === "fail" || added === "warn";
	if (covers === "paths") {
		const shown = all === true ? coveredPaths : coveredPaths.slice(0, MAX_COVERED_PATHS);
		const rest = coveredPaths.length - shown.length;
		const more = rest === 0 ? "" : ` and ${thousands(rest)} more (--all lists them)`;
		const paths = `${escaped(shown.join(", "))}${more}`;
		return `the signed paths ${paths}${looksBeside ? "" : "; nothing beside them was looked at"}`;
	}
	if (covers !== "list" && covers !== "include") return undefined;
	const part = covers === "list" ? "the files of a list (--files-from)" : "files that match its include globs";
	if (otherCount === 0) return `${part}; no other file lies there`;
	const others = count(otherCount, "other file lies there", "other files lie there");
	return `${part}; ${others}${looksBeside ? "" : ": --added fail reports them"}`;
}

/** The largest number of covered paths that are shown without --all. */
const MAX_COVERED_PATHS = 20;

function verificationFields(verification: Verification): Record<string, unknown> {
	const { path, verdict, root, match, checkedCount, ignoredCount, findings, notices, catalogs } = verification;
	const { covers, otherCount, leadsTo, outsideLinkCount } = verification;
	return {
		path,
		verdict,
		root: root ?? null,
		development: catalogs.some(({ signer }) => signer.development),
		match,
		covers,
		others: otherCount ?? null,
		leadsTo: leadsTo ?? null,
		linksOutside: outsideLinkCount ?? null,
		checked: checkedCount,
		ignored: ignoredCount,
		findings,
		notices,
		catalogs: catalogs.map(catalogFields),
	};
}
