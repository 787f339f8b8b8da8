/**
 * Prints results on standard output and everything else on standard error. With --json, the report or the failure of a
 * command is one JSON document on standard output. `run` has no report, because standard output belongs to the program
 * that it starts.
 */

import { writeSync } from "node:fs";
import { errnoReason, escapeText, ioError, isErrnoException, SigtoolError } from "@sigtool/core/internal/errors";
import { isStreamed, jsonPieces } from "./json-pieces.js";
import type { ExitStatus, ReporterName, Subject } from "./reporter.js";
import { type ColourChoice, colour, showsColours, terminal } from "./terminal.js";
import { withoutCommands } from "./workflow-commands.js";

export type { ExitStatus } from "./reporter.js";

export interface OutputOptions {
	readonly json?: boolean;
	readonly quiet?: boolean;
	readonly verbose?: boolean;
	readonly color?: ColourChoice;
	/** The value of --reporter. With `json`, `json` is true as well. The default is `text`. */
	readonly reporter?: ReporterName;
}

/**
 * The result of a command. `lines` has the facts for a person, and `fields` has the same facts for the JSON document.
 */
export interface Report {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	/** The lines of the report, for standard output. */
	readonly lines: readonly string[];
	/** The lines that --quiet prints instead of `lines`: those about a failure. The default is none. */
	readonly failures?: readonly string[];
	/**
	 * The lines for other programs, printed before `lines`. Their control characters are escaped only if standard
	 * output is a terminal.
	 */
	readonly data?: readonly string[];
	/** The lines about errors, for standard error. They are printed even with --quiet. */
	readonly problems?: readonly string[];
	readonly warnings?: readonly string[];
	/**
	 * Facts that the user must not overlook, e.g. that a development identity signed. They are printed on standard
	 * error, even with --quiet.
	 */
	readonly notes?: readonly string[];
	/** The judged paths with their findings, for reporters. Only commands that have --reporter need them. */
	readonly subjects?: readonly Subject[];
	/**
	 * Says that a printer of stream.ts has printed items, and how `fields` ends them: the `list` of a JSON document, or
	 * `lines` that are a document each.
	 */
	readonly begun?: "list" | "lines";
}

/** Prints a report as text, or with --json as JSON. */
export function printReport(command: string, report: Report, options: OutputOptions): ExitStatus {
	if (options.json === true) {
		const { exit, fields, notes, warnings = [], begun } = report;
		const document = { exit, ...fields, ...(notes && { notes }), warnings };
		if (begun === "list") print(`\n\t],${JSON.stringify(document, null, "\t").slice(1)}`);
		else if (begun === "lines") print(JSON.stringify({ command, ...document }));
		else printJson({ command, ...document });
		return report.exit;
	}
	printMessages(report, options);
	if (options.quiet !== true) printData(report.data ?? []);
	print((options.quiet === true ? (report.failures ?? []) : report.lines).join("\n"));
	return report.exit;
}

/** Prints the notes, the warnings and the lines about errors on standard error. */
export function printMessages({ notes, warnings, problems }: Report, { quiet }: OutputOptions): void {
	for (const note of notes ?? []) printError(`note: ${note}`);
	if (quiet !== true) for (const warning of warnings ?? []) printError(`${colour.yellow("warning")}: ${warning}`);
	for (const problem of problems ?? []) printError(problem);
}

/**
 * Prints the problems of an error and then the error itself, each as one line `error: <message> [<code>]` without a
 * stack. --verbose adds the message of the cause. With --json, prints one document instead, unless standard output
 * itself failed. Does not throw. Returns `status`, or by default the exit status of the error's code.
 */
export function printFailure(command: string, error: unknown, options: OutputOptions, status?: ExitStatus): ExitStatus {
	const failure = asSigtoolError(error);
	const exit = status ?? failure.exitStatus;
	if (options.json === true && !(failure instanceof OutputError)) {
		try {
			const problems = failure.problems.map(errorFields);
			const { findings } = failure;
			const error = {
				...errorFields(failure),
				...(problems.length > 0 && { problems }),
				...(findings.length > 0 && { findings }),
			};
			printJson({ command, exit, error });
		} catch (outputError) {
			return printFailure(command, outputError, {}, status);
		}
	} else printErrors(failure, options);
	return exit;
}

/** Prints an error on standard error, after its problems. */
export function printErrors(failure: SigtoolError, { verbose }: OutputOptions): void {
	for (const line of problemLines(failure.problems)) printError(`${colour.red("error")}: ${line}`);
	printError(`${colour.red("error")}: ${errorText(failure)}`);
	if (verbose === true && failure.cause instanceof Error) printError(`cause: ${oneLine(failure.cause.message)}`);
}

export function errorFields({ code, message, path }: SigtoolError): Record<string, string> {
	return { code, message, ...(path === undefined ? {} : { path }) };
}

/**
 * Returns the message, followed by the code. If several servers failed, the message has a code behind each reason. Such
 * a message already ends with the code.
 */
function errorText({ code, message }: SigtoolError): string {
	const suffix = ` [${code}]`;
	return message.endsWith(suffix) ? oneLine(message) : `${oneLine(message)}${suffix}`;
}

/**
 * Returns the lines for the problems, at most MAX_PROBLEMS for each code and then one line with the number of the
 * others.
 */
function problemLines(problems: readonly SigtoolError[]): string[] {
	return [...new Set(problems.map(({ code }) => code))].flatMap((code) => {
		const group = problems.filter((problem) => problem.code === code);
		const rest = group.length - MAX_PROBLEMS;
		const more = rest > 0 ? [`and ${rest} more [${code}]; --json lists them`] : [];
		return [...group.slice(0, MAX_PROBLEMS).map(errorText), ...more];
	});
}

const MAX_PROBLEMS = 20;

/** Reports that standard output cannot be written. */
class OutputError extends SigtoolError {
	constructor(cause: unknown) {
		super("ERR_IO", `Cannot write to standard output: ${errnoReason(cause)}`, { cause });
	}
}

/**
 * Returns the more important of two exit statuses, each from 0 to 3. The order is 1, 3, 2, 0: a known failure counts
 * more than an unknown outcome.
 */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
	const rank: readonly ExitStatus[] = [0, 2, 3, 1];
	return rank.indexOf(a) >= rank.indexOf(b) ? a : b;
}

/** Prints a text for a person on standard error before the command is done. */
export function printNote(text: string, { json, quiet, reporter }: OutputOptions): void {
	if (json === true || quiet === true) return;
	printError(reporter === "github" ? withoutCommands(text).trimEnd() : text);
}

/**
 * Formats labels and values in two columns, e.g. `  signer   CN=…`. Leaves out rows without a value. If a value does
 * not fit beside its label on a terminal, it is printed below the label. In a file or a pipe each row is one line, so
 * that programs can read it.
 */
export function rows(pairs: readonly (readonly [label: string, value: string | undefined])[]): string[] {
	const shown = pairs.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
	const width = Math.max(0, ...shown.map(({ label }) => label.length));
	const columns = terminal(1)?.columns ?? Number.POSITIVE_INFINITY;
	return shown.flatMap(({ label, value }) => {
		if (width + 4 + value.length <= columns) return [`  ${colour.dim(label.padEnd(width))}  ${value}`];
		return [`  ${colour.dim(label)}`, ...wrapped(value, columns - 4).map((line) => `    ${line}`)];
	});
}

/**
 * Breaks a text into lines at spaces. A word that is longer than the width stays whole, so that the user can copy it.
 */
function wrapped(text: string, width: number): string[] {
	const lines: string[] = [];
	for (const word of text.split(/ +/)) {
		const last = lines.at(-1);
		if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
		else lines[lines.length - 1] = `${last} ${word}`;
	}
	return lines;
}

/**
 * Escapes the control characters in a text from outside, e.g. a file name or a name in a certificate, so that it cannot
 * control the terminal.
 */
export function escaped(text: string): string {
	return escapeText(text).replaceAll('\\"', '"').replaceAll("\\\\", "\\");
}

/**
 * Returns the error itself, an ERR_IO for an error of the operating system, or an ERR_INTERNAL for anything else that was
 * thrown.
 */
export function asSigtoolError(error: unknown): SigtoolError {
	if (error instanceof SigtoolError) return error;
	if (isErrnoException(error)) return refusedBySystem(error);
	const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
	return new SigtoolError("ERR_INTERNAL", `Cannot continue: ${reason}; please report this`, { cause: error });
}

function refusedBySystem(cause: NodeJS.ErrnoException): SigtoolError {
	const { path, syscall } = cause;
	if (syscall === "uv_cwd") {
		const mend = "it was removed, or may not be read; change to another";
		return new SigtoolError("ERR_IO", `Cannot use the working directory: ${mend}`, { cause });
	}
	if (path !== undefined) return ioError("use", path, cause);
	return new SigtoolError("ERR_IO", `Cannot continue: ${errnoReason(cause)}`, { cause });
}

export function oneLine(message: string): string {
	return message.replace(/[\r\n]+/g, " ");
}

/** Prints a text of sigtool itself, such as help, without escaping. */
export function printText(text: string, where: "stdout" | "stderr" = "stdout"): void {
	writeAll(where === "stdout" ? 1 : 2, text);
}

/** Prints a JSON document. A member of the document may be a StreamedList, but a value inside a member may not. */
function printJson(document: Readonly<Record<string, unknown>>): void {
	if (!Object.values(document).some(isStreamed)) {
		print(JSON.stringify(document, null, "\t"));
		return;
	}
	printPieces(jsonPieces(document));
}

/**
 * Prints a document piece by piece. @throws OutputError also if making a piece fails. The beginning of the document may
 * already be on standard output, and a second document behind it would make the output invalid.
 */
export function printPieces(pieces: Iterable<string>): void {
	let text = "";
	try {
		for (const piece of pieces) {
			text += piece;
			if (text.length < PIECE_LENGTH) continue;
			writeAll(1, harmless(text, 1));
			text = "";
		}
		writeAll(1, harmless(text, 1));
	} catch (error) {
		throw error instanceof OutputError ? error : new OutputError(error);
	}
}

const PIECE_LENGTH = 2 ** 16;

function printData(lines: readonly string[]): void {
	if (lines.length === 0) return;
	const shown = terminal(1) === undefined ? lines : lines.map(escaped);
	writeAll(1, `${shown.join("\n")}\n`);
}

function print(text: string): void {
	if (text !== "") writeAll(1, `${harmless(text, 1)}\n`);
}

export function printError(text: string): void {
	writeAll(2, `${harmless(text, 2)}\n`);
}

/**
 * Escapes all control characters that are still in a text, and characters that are invisible or change the direction of
 * writing, as JSON escapes them. This is the last protection against names that control a terminal. Keeps line breaks
 * and tabs. Keeps the colour codes of terminal.ts if the stream shows colours, and removes them otherwise. The regular
 * expression lists the characters, because one with Unicode properties takes long to compile.
 */
export function harmless(text: string, descriptor: 1 | 2): string {
	return text.replace(COLOUR_OR_CONTROL, (match) => {
		if (match.length > 1) return showsColours(descriptor) ? match : "";
		return `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
}

const COLOUR_OR_CONTROL =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
	/\u001b\[(?:2|22|31|32|33|39)m|(?![\n\t])[^\x20-\x7e\xa0-\uffff]|[\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/**
 * Writes synchronously, so that nothing is lost when the process exits. A closed pipe is no error, because the reader
 * closed it on purpose: then it returns `closed`. Failures of standard error are ignored, because there is no other place
 * to report them.
 * @throws OutputError if standard output cannot be written
 */
export function writeAll(descriptor: 1 | 2, text: string): "written" | "closed" {
	const bytes = Buffer.from(text, "utf8");
	for (let offset = 0; offset < bytes.length; ) {
		try {
			offset += writeSync(descriptor, bytes, offset);
		} catch (error) {
			// The type assertion is safe: writeSync() throws errors of the system, which have a `code`.
			const code = (error as NodeJS.ErrnoException).code;
			if (code === "EAGAIN") continue;
			if (code === "EPIPE" || descriptor === 2) return "closed";
			throw new OutputError(error);
		}
	}
	return "written";
}
