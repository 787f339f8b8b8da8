/**
 * What may be printed, and where: results on stdout, everything else on stderr, with --json exactly one document on
 * stdout whatever happens.
 */

import { writeSync } from "node:fs";
import { errnoReason, escapeText, SigtoolError } from "@sigtool/core/errors";
import { colour, terminal } from "./terminal.js";

export interface OutputOptions {
	readonly json?: boolean;
	readonly quiet?: boolean;
	readonly verbose?: boolean;
}

/**
 * Exit status of a run: 0 trusted or done; 1 verification failed, or the files cannot be signed; 2 usage or configuration;
 * 3 could not decide; 130 interrupted.
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 130;

/** What a command leaves: its status, the same facts as lines for a person and as fields of the JSON document. */
export interface Report {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
	/** Lines that other programs read, before the others: control characters are escaped only where a terminal shows them. */
	readonly data?: readonly string[];
	/** Shown even with --quiet, on stderr. */
	readonly problems?: readonly string[];
	readonly warnings?: readonly string[];
}

export function printReport(command: string, report: Report, options: OutputOptions): ExitStatus {
	if (options.json === true) {
		printJson({ command, exit: report.exit, ...report.fields, warnings: report.warnings ?? [] });
		return report.exit;
	}
	if (options.quiet !== true)
		for (const warning of report.warnings ?? []) printError(`${colour.yellow("warning")}: ${warning}`);
	for (const problem of report.problems ?? []) printError(problem);
	if (options.quiet !== true) {
		printData(report.data ?? []);
		print(report.lines.join("\n"));
	}
	return report.exit;
}

/**
 * One line a failure: `error: <message> [<code>]`, never a stack; with --json a document, unless standard output is what
 * failed. Never throws.
 */
export function printFailure(command: string, error: unknown, options: OutputOptions): ExitStatus {
	const failure = asSigtoolError(error);
	const { code, message, path, exitStatus: exit } = failure;
	if (options.json === true && !(failure instanceof OutputError)) {
		try {
			printJson({ command, exit, error: { code, message, ...(path === undefined ? {} : { path }) } });
		} catch (outputError) {
			return printFailure(command, outputError, {});
		}
	} else {
		printError(`${colour.red("error")}: ${oneLine(message)} [${code}]`);
		if (options.verbose === true && failure.cause instanceof Error)
			printError(`cause: ${oneLine(failure.cause.message)}`);
	}
	return exit;
}

/** Standard output cannot be written. */
class OutputError extends SigtoolError {
	constructor(cause: unknown) {
		super("ERR_IO", `Cannot write to standard output: ${errnoReason(cause)}`, { cause });
	}
}

/** Of two commands' outcomes the one that counts, 1 before 3 before 2: a known failure says more than an unknown outcome. */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
	const rank: readonly ExitStatus[] = [0, 2, 3, 1];
	return rank.indexOf(a) >= rank.indexOf(b) ? a : b;
}

export function printNote(text: string, options: OutputOptions): void {
	if (options.json !== true && options.quiet !== true) printError(text);
}

/** A column of labels and their values, e.g. `  signer   CN=…`. */
export function rows(pairs: readonly (readonly [label: string, value: string | undefined])[]): string[] {
	const shown = pairs.filter(([, value]) => value !== undefined && value !== "");
	const width = Math.max(0, ...shown.map(([label]) => label.length));
	return shown.map(([label, value]) => `  ${colour.dim(label.padEnd(width))}  ${value}`);
}

/** Text from a certificate or a file name, safe for a terminal: control characters escaped. */
export function plain(text: string): string {
	return escapeText(text).replaceAll('\\"', '"').replaceAll("\\\\", "\\");
}

function asSigtoolError(error: unknown): SigtoolError {
	if (error instanceof SigtoolError) return error;
	const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
	return new SigtoolError("ERR_INTERNAL", `Cannot continue: ${reason}; please report this`, { cause: error });
}

export function oneLine(message: string): string {
	return message.replace(/[\r\n]+/g, " ");
}

/** Help and the like, as they are. */
export function printText(text: string, where: "stdout" | "stderr" = "stdout"): void {
	writeAll(where === "stdout" ? 1 : 2, text);
}

function printJson(document: Readonly<Record<string, unknown>>): void {
	print(JSON.stringify(document, null, "\t"));
}

function printData(lines: readonly string[]): void {
	if (lines.length === 0) return;
	const shown = terminal(1) === undefined ? lines : lines.map(plain);
	writeAll(1, `${shown.join("\n")}\n`);
}

function print(text: string): void {
	if (text !== "") writeAll(1, `${harmless(text)}\n`);
}

function printError(text: string): void {
	writeAll(2, `${harmless(text)}\n`);
}

/**
 * The last line of defence against names that command a terminal: whatever escaped being escaped is escaped here, in
 * JSON's own form. Line breaks and the colours of terminal.ts stay. Spelled out, as loading Unicode's properties takes
 * longer than the rest.
 */
function harmless(text: string): string {
	return text.replace(COLOUR_OR_CONTROL, (match) => {
		return match.length > 1 ? match : `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
}

const COLOUR_OR_CONTROL =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for.
	/\u001b\[(?:2|22|31|32|33|39)m|(?![\n\t])[^\x20-\x7e\xa0-\uffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Synchronous, so that nothing is lost when the process exits; a closed pipe is the reader's choice, not an error. What
 * cannot be said on standard error cannot be said.
 */
function writeAll(descriptor: 1 | 2, text: string): void {
	const bytes = Buffer.from(text, "utf8");
	for (let offset = 0; offset < bytes.length; ) {
		try {
			offset += writeSync(descriptor, bytes, offset);
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code; // writeSync throws nothing else.
			if (code === "EAGAIN") continue;
			if (code === "EPIPE" || descriptor === 2) return;
			throw new OutputError(error);
		}
	}
}
