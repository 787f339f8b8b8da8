/**
 * Formats findings: the number of each kind, and lines about the findings. Without --all, a kind has at most MAX_LINES
 * lines.
 */

import type { Finding } from "@sigtool/core";
import { quote } from "@sigtool/core/internal/errors";
import { type OutputOptions, rows } from "./output.js";
import { count, thousands } from "./render.js";

export interface FindingOptions extends OutputOptions {
	/** The value of --all. With it each finding gets a separate line. */
	readonly all?: boolean;
	/** The label for the expected digest: `recorded` for a digest that nobody signed, or `signed`, the default. */
	readonly origin?: "signed" | "recorded";
}

/** The largest number of lines for one kind of finding without --all. */
const MAX_LINES = 20;

/** Returns how many findings there are of each kind, e.g. `2 modified, 1 missing`. */
export function countByKind(findings: readonly Finding[]): string {
	return Array.from(byCode(findings), ([code, { length }]) => `${thousands(length)} ${kindOf(code)}`).join(", ");
}

/**
 * Returns the text for a kind of finding. If KINDS has none, this is the code in words, e.g. `weak digest` for
 * ERR_WEAK_DIGEST.
 */
function kindOf(code: Finding["code"]): string {
	return KINDS[code] ?? code.replace(/^ERR_/, "").toLowerCase().replaceAll("_", " ");
}

/**
 * Returns the lines about findings, sorted by kind. With --verbose, the lines with the two digests of a modified file
 * follow its own line; the digest of an empty file is shown as `empty`. Without --all, a directory that is missing or
 * was added as a whole has one line, and a kind has at most MAX_LINES lines.
 */
export function findingLines(findings: readonly Finding[], options: FindingOptions): string[] {
	return groups(findings, options).flatMap(({ shown, rest }) => [
		...shown.flatMap((finding) => [`  ${finding.message} [${finding.code}]`, ...digestRows(finding, options)]),
		...rest.map((line) => `  ${line}`),
	]);
}

/** Returns the texts about findings that do not decide the verdict. The caller prints each one after `warning: `. */
export function findingWarnings(findings: readonly Finding[], options: FindingOptions): string[] {
	return groups(findings, options).flatMap(({ shown, rest }) => [...shown.map(({ message }) => message), ...rest]);
}

interface Group {
	readonly shown: readonly Finding[];
	/** The line about the findings that are not shown. Empty if all are shown. */
	readonly rest: readonly string[];
}

function groups(findings: readonly Finding[], { all }: FindingOptions): Group[] {
	return Array.from(byCode(findings), ([code, group]) => {
		const lines = all === true ? group.map((finding) => [finding]) : foldDirectories(group);
		const shownLines = all === true ? lines : lines.slice(0, MAX_LINES);
		const left = lines.slice(shownLines.length).reduce((sum, { length }) => sum + length, 0);
		return {
			shown: shownLines.map(summary),
			rest: left === 0 ? [] : [`and ${thousands(left)} more [${code}]; --all lists them`],
		};
	});
}

function byCode(findings: readonly Finding[]): ReadonlyMap<Finding["code"], Finding[]> {
	const groups = new Map<Finding["code"], Finding[]>(FIRST.map((code) => [code, []]));
	for (const finding of findings) {
		const group = groups.get(finding.code);
		if (group === undefined) groups.set(finding.code, [finding]);
		else group.push(finding);
	}
	for (const code of FIRST) if (groups.get(code)?.length === 0) groups.delete(code);
	return groups;
}

/**
 * Groups the findings of one code that get one line together: those below a directory that is missing or was added as a
 * whole, and those with the same path.
 */
function foldDirectories(findings: readonly Finding[]): Finding[][] {
	const folded = new Map<string, Finding[]>();
	for (const finding of findings) {
		const name = finding.directory === undefined ? finding.path : `${finding.directory}/`;
		const together = folded.get(name);
		if (together === undefined) folded.set(name, [finding]);
		else together.push(finding);
	}
	return [...folded.values()];
}

function summary(together: readonly Finding[]): Finding {
	const [finding] = together;
	const { code, directory } = finding;
	if (together.length === 1 || directory === undefined) return finding;
	const entries = count(together.length, "entry", "entries");
	const state = code === "ERR_FILE_MISSING" ? `is missing, with ${entries}` : `was added, with ${entries}`;
	const covered = code === "ERR_FILE_ADDED" ? ": no signature covers them" : "";
	return { ...finding, message: `${quote(`${directory}/`)} ${state}${covered}` };
}

function digestRows({ code, expected, actual }: Finding, { verbose, origin = "signed" }: FindingOptions): string[] {
	if (verbose !== true || code !== "ERR_FILE_MODIFIED" || expected === undefined) return [];
	return rows([
		[`  ${origin}`, expected || "empty"],
		["  found", actual || "empty"],
	]);
}

/** The kinds that come first, in this order. Other kinds follow in the order of their first finding. */
const FIRST: readonly Finding["code"][] = ["ERR_FILE_MODIFIED", "ERR_FILE_MISSING", "ERR_FILE_ADDED"];

/** The texts for kinds of findings. A summary has the number of findings before the text, e.g. `2 modified`. */
const KINDS: Readonly<Partial<Record<Finding["code"], string>>> = {
	ERR_FILE_MODIFIED: "modified",
	ERR_FILE_MISSING: "missing",
	ERR_FILE_ADDED: "added",
	ERR_NOT_A_MEMBER: "not a member",
	ERR_LIMIT: "larger than the limit",
	ERR_LINK_CHANGED: "changed link",
	ERR_LINK_OUTSIDE: "outside the tree",
	ERR_MODE_CHANGED: "changed mode",
	ERR_DENIED: "denied",
	ERR_IO: "unreadable",
	ERR_UNSIGNED: "unsigned",
	ERR_FILE_TYPE: "of another type than a file",
	ERR_FILE_CHANGED: "changed while it was read",
	ERR_PATH_CASE_COLLISION: "differing by case alone",
	ERR_PATH_NFC_COLLISION: "differing by Unicode form alone",
	ERR_PATH_DUPLICATE: "listed twice",
	ERR_PATH_ENCODING: "with a name that is not UTF-8",
	ERR_UNSIGNED_BYTES: "with unsigned bytes",
	ERR_SIGNATURE: "with a wrong signature",
	ERR_UNTRUSTED_SIGNER: "by an untrusted signer",
};
