/**
 * What may be printed, and where: results on stdout, everything else on stderr, with --json exactly one document on
 * stdout whatever happens.
 */

import { writeSync } from "node:fs";
import { errnoReason, escapeText, SigtoolError } from "@sigtool/core/errors";
import pc from "picocolors";

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
		for (const warning of report.warnings ?? []) printError(`${pc.yellow("warning")}: ${warning}`);
	for (const problem of report.problems ?? []) printError(problem);
	if (options.quiet !== true) print(report.lines.join("\n"));
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
		printError(`${pc.red("error")}: ${oneLine(message)} [${code}]`);
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

export function printNote(text: string, options: OutputOptions): void {
	if (options.json !== true && options.quiet !== true) printError(text);
}

/** A column of labels and their values, e.g. `  signer   CN=…`. */
export function rows(pairs: readonly (readonly [label: string, value: string | undefined])[]): string[] {
	const shown = pairs.filter(([, value]) => value !== undefined && value !== "");
	const width = Math.max(0, ...shown.map(([label]) => label.length));
	return shown.map(([label, value]) => `  ${pc.dim(label.padEnd(width))}  ${value}`);
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

function print(text: string): void {
	if (text !== "") writeAll(1, `${harmless(text)}\n`);
}

function printError(text: string): void {
	writeAll(2, `${harmless(text)}\n`);
}

/**
 * The last line of defence against names that command a terminal: whatever escaped being escaped is escaped here, in
 * JSON's own form. Line breaks and the colours picocolors writes stay.
 */
function harmless(text: string): string {
	return text.replace(COLOUR_OR_CONTROL, (match) => {
		return match.length > 1 ? match : `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for.
const COLOUR_OR_CONTROL = /\u001b\[(?:1|2|22|31|32|33|39)m|(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

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
