/**
 * Prints results on stdout and everything else on stderr. With --json it prints exactly one document on stdout,
 * whatever happens.
 */

import { writeSync } from "node:fs";
import { errnoReason, escapeText, SigtoolError } from "@sigtool/core/errors";
import { type ColourChoice, colour, showsColours, terminal } from "./terminal.js";

export interface OutputOptions {
	readonly json?: boolean;
	readonly quiet?: boolean;
	readonly verbose?: boolean;
	readonly color?: ColourChoice;
}

/**
 * The exit status of a run: 0 if trusted or done, 1 if verification failed or the files cannot be signed, 2 for a
 * mistake in usage or configuration, 3 if sigtool could not decide, 126 if `run` refused to run a program, 75 if `run`
 * could not judge it because of a fault that may pass, and 130 if interrupted.
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 75 | 126 | 130;

/**
 * The result of a command. `lines` contains the facts for a person, and `fields` the same facts for the JSON document.
 */
export interface Report {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	/** The report, printed on stdout. */
	readonly lines: readonly string[];
	/** The lines that --quiet prints in place of `lines`: those about a failure. Default: none. */
	readonly failures?: readonly string[];
	/** Lines for other programs, printed before `lines`. Their control characters are escaped only on a terminal. */
	readonly data?: readonly string[];
	/** Error lines, which are printed on stderr, even with --quiet. */
	readonly problems?: readonly string[];
	readonly warnings?: readonly string[];
	/** Facts that nobody may overlook, printed on stderr even with --quiet: a development identity was used or trusted. */
	readonly notes?: readonly string[];
}

export function printReport(command: string, report: Report, options: OutputOptions): ExitStatus {
	if (options.json === true) {
		const { exit, fields, notes, warnings = [] } = report;
		printJson({ command, exit, ...fields, ...(notes && { notes }), warnings });
		return report.exit;
	}
	for (const note of report.notes ?? []) printError(`note: ${note}`);
	if (options.quiet !== true)
		for (const warning of report.warnings ?? []) printError(`${colour.yellow("warning")}: ${warning}`);
	for (const problem of report.problems ?? []) printError(problem);
	if (options.quiet !== true) printData(report.data ?? []);
	print((options.quiet === true ? (report.failures ?? []) : report.lines).join("\n"));
	return report.exit;
}

/**
 * Prints each problem and then the failure, each as one line `error: <message> [<code>]` without a stack; --verbose
 * adds the cause. With --json it prints a document, unless standard output failed. Never throws. `status` replaces the
 * exit status of the error's code.
 */
export function printFailure(command: string, error: unknown, options: OutputOptions, status?: ExitStatus): ExitStatus {
	const failure = asSigtoolError(error);
	const exit = status ?? failure.exitStatus;
	if (options.json === true && !(failure instanceof OutputError)) {
		try {
			const problems = failure.problems.map(errorFields);
			const error = { ...errorFields(failure), ...(problems.length === 0 ? {} : { problems }) };
			printJson({ command, exit, error });
		} catch (outputError) {
			return printFailure(command, outputError, {}, status);
		}
	} else {
		for (const line of problemLines(failure.problems)) printError(`${colour.red("error")}: ${line}`);
		printError(`${colour.red("error")}: ${errorText(failure)}`);
		if (options.verbose === true && failure.cause instanceof Error)
			printError(`cause: ${oneLine(failure.cause.message)}`);
	}
	return exit;
}

function errorFields({ code, message, path }: SigtoolError): Record<string, string> {
	return { code, message, ...(path === undefined ? {} : { path }) };
}

/** The message about several servers has a code behind each reason, so that the last one may be there already. */
function errorText({ code, message }: SigtoolError): string {
	const suffix = ` [${code}]`;
	return message.endsWith(suffix) ? oneLine(message) : `${oneLine(message)}${suffix}`;
}

/** Lists at most MAX_PROBLEMS problems of each code. */
function problemLines(problems: readonly SigtoolError[]): string[] {
	return [...new Set(problems.map(({ code }) => code))].flatMap((code) => {
		const group = problems.filter((problem) => problem.code === code);
		const rest = group.length - MAX_PROBLEMS;
		const more = rest > 0 ? [`and ${rest} more [${code}]; --json lists them`] : [];
		return [...group.slice(0, MAX_PROBLEMS).map(errorText), ...more];
	});
}

const MAX_PROBLEMS = 20;

/** A failure to write to standard output. */
class OutputError extends SigtoolError {
	constructor(cause: unknown) {
		super("ERR_IO", `Cannot write to standard output: ${errnoReason(cause)}`, { cause });
	}
}

/**
 * Returns the more important of two exit statuses. The most important is 1, then 3, then 2, then 0, because a known
 * failure counts more than an unknown outcome.
 */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
	const rank: readonly ExitStatus[] = [0, 2, 3, 1];
	return rank.indexOf(a) >= rank.indexOf(b) ? a : b;
}

export function printNote(text: string, options: OutputOptions): void {
	if (options.json !== true && options.quiet !== true) printError(text);
}

/**
 * Formats labels and values in two columns, e.g. `  signer   CN=…`. Leaves out rows without a value. On a terminal a
 * value that does not fit beside its label stands below it. Files and pipes get one line for each row, for programs.
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

/** Breaks a text at spaces. A word that is longer than the width stays whole, so that it can be copied. */
function wrapped(text: string, width: number): string[] {
	const lines: string[] = [];
	for (const word of text.split(/ +/)) {
		const last = lines.at(-1);
		if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
		else lines[lines.length - 1] = `${last} ${word}`;
	}
	return lines;
}

/** Escapes control characters of a text, e.g. a file name or a certificate's name, so that a terminal can show it. */
export function escaped(text: string): string {
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

/** Prints the program's own text, such as help, without escaping. */
export function printText(text: string, where: "stdout" | "stderr" = "stdout"): void {
	writeAll(where === "stdout" ? 1 : 2, text);
}

/**
 * Makes the items of a list one by one while the JSON document is written, because all items together need too much
 * memory. The type is a function and not a class, because each bundle has its own copy of a class, and `instanceof`
 * does not recognise the copy of another bundle.
 */
export type StreamedList = () => Iterable<unknown>;

/** Prints a document. A member of the document may be a StreamedList. A value inside a member may not. */
function printJson(document: Readonly<Record<string, unknown>>): void {
	if (!Object.values(document).some(isStreamed)) {
		print(JSON.stringify(document, null, "\t"));
		return;
	}
	let text = "";
	try {
		for (const piece of jsonPieces(document)) {
			text += piece;
			if (text.length < PIECE_LENGTH) continue;
			writeAll(1, harmless(text, 1));
			text = "";
		}
	} catch (error) {
		// The beginning of this document is already written, so no second document may follow: the output would not be
		// JSON.
		throw error instanceof OutputError ? error : new OutputError(error);
	}
	print(text);
}

const PIECE_LENGTH = 2 ** 16;

function isStreamed(value: unknown): value is StreamedList {
	return typeof value === "function";
}

function* jsonPieces(document: Readonly<Record<string, unknown>>): Generator<string, void, undefined> {
	let before = "{";
	for (const [name, value] of Object.entries(document)) {
		if (value === undefined) continue;
		yield `${before}\n\t${JSON.stringify(name)}: `;
		before = ",";
		if (!isStreamed(value)) {
			yield indented(value, "\t");
			continue;
		}
		let separator = "[";
		for (const item of value()) {
			yield `${separator}\n\t\t${indented(item, "\t\t")}`;
			separator = ",";
		}
		yield separator === "[" ? "[]" : "\n\t]";
	}
	yield "\n}";
}

function indented(value: unknown, indent: string): string {
	return JSON.stringify(value, null, "\t").replaceAll("\n", `\n${indent}`);
}

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
 * Escapes the remaining control characters as JSON does. This is the last defence against names that control a
 * terminal. Keeps line breaks, and the colours of terminal.ts if the stream shows colours. The regular expression lists
 * the characters, because Unicode properties take longer to load than everything else here.
 */
function harmless(text: string, descriptor: 1 | 2): string {
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
 * closed it on purpose. Ignores every failure of standard error, because there is no other place to report it.
 */
function writeAll(descriptor: 1 | 2, text: string): void {
	const bytes = Buffer.from(text, "utf8");
	for (let offset = 0; offset < bytes.length; ) {
		try {
			offset += writeSync(descriptor, bytes, offset);
		} catch (error) {
			// The type assertion is safe: writeSync() throws no other kind of error.
			const code = (error as NodeJS.ErrnoException).code;
			if (code === "EAGAIN") continue;
			if (code === "EPIPE" || descriptor === 2) return;
			throw new OutputError(error);
		}
	}
}
