/** Finds refusals in text and in files of events. */

import { closeSync, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { COMMAND, ioError, quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { decompressorOf, LONGEST_MAGIC } from "../../events/compression.js";
import { isFinding, parseEvent, type Told, verdictOf } from "../../events/event.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";

/** No more of an input or of a file of events is looked at. */
export const MAX_INPUT_BYTES = 1 << 26;

/**
 * Returns the last refusal. If it is the message about a refused file, returns the event before it instead, which says
 * more, unless that is about another refusal. Without a refusal, returns the last event that is only recorded.
 * @throws ERR_USAGE if no line tells of one
 */
export function lastRefusalIn(text: string, where: string): Told {
	let message: Told | undefined;
	let recorded: Told | undefined;
	for (const line of text.split("\n").reverse()) {
		const told = toldBy(line);
		if (told === undefined || (message !== undefined && told.event === MESSAGE_EVENT)) continue;
		if (verdictOf(told) === "record") {
			recorded ??= told;
			continue;
		}
		if (message !== undefined) return isOf(message, told) ? told : message;
		if (!isAboutFile(told)) return told;
		message = told;
	}
	const last = message ?? recorded;
	if (last !== undefined) return last;
	throw usageError(`Cannot explain ${where}: no line is the event or the message of a refusal`);
}

/** Tells whether a text is a message of sigtool. */
export function isMessage(text: string): boolean {
	return MESSAGE.test(text);
}

const MESSAGE = /\b(sigtool-launch|sigtool|spython|error|SigtoolError): (?:(ERR_\w+): )?(.*?)(?: \[(ERR_\w+)\])?$/;

/** The name of the event that a message is taken for. */
const MESSAGE_EVENT = "message";

/** Reads a line that has an event, possibly behind the name of a program, or a message of sigtool. */
function toldBy(line: string): Told | undefined {
	const event = parseEvent(line);
	if (event !== undefined) return event.verdict === "allow" ? undefined : event;
	const [, program, code, message, codeBehind] = MESSAGE.exec(line) ?? [];
	if (message === undefined || message.startsWith("warning: ")) return undefined;
	// Node.js prints a member `error` of an error in the same way. An error of the command line always has its code.
	if (program === "error" && codeBehind === undefined) return undefined;
	const named = code ?? codeBehind ?? codeOf(program, message);
	const ofFile = named === undefined || named === "ERR_UNTRUSTED_CODE" ? codeWithin(message) : undefined;
	return { event: MESSAGE_EVENT, reason: ofFile ?? named, detail: message };
}

/** Returns the code of a message that does not contain one, if all messages of its program or its kind have the same. */
function codeOf(program: string | undefined, message: string): string | undefined {
	if (program === "sigtool-launch") return "ERR_LAUNCHER";
	return message.startsWith("Cannot go on with ") ? "ERR_RUNTIME_RULE" : undefined;
}

/** Returns the code that a message has in parentheses, or that belongs to the words of spython. */
function codeWithin(message: string): string | undefined {
	if (message.startsWith("File hash mismatch: ")) return "ERR_FILE_MODIFIED";
	return / \((ERR_\w+)[;,)]/.exec(message)?.[1];
}

function isAboutFile({ event, detail }: Told): boolean {
	return event === MESSAGE_EVENT && /^(Cannot load ["']|File hash mismatch: )/.test(String(detail));
}

/** Tells whether the event is about the refusal of the message: it has the same reason, and a file of the same name. */
function isOf(message: Told, { path, reason }: Told): boolean {
	const isSameFile = typeof path === "string" && String(message.detail).includes(basename(path));
	return isSameFile && (message.reason === reason || message.reason === "ERR_UNTRUSTED_CODE");
}

/** The answer of the logs about one file. */
export interface Found {
	/** The last refusal that names the file. */
	readonly refusal: Told | undefined;
	/** The time of the first event that was looked at. Undefined if there is none. */
	readonly since: string | undefined;
}

/**
 * Looks for the last refusal of a file, by its path and by its real path, in the last MAX_INPUT_BYTES bytes of each log.
 * @throws ERR_USAGE for a log that is compressed, a FIFO or a directory; ERR_IO; ERR_LIMIT for a longer stream
 */
export function lastAbout(path: string, logs: readonly string[]): Found {
	const paths = [...new Set([path, realPathOf(path)])];
	const found = logs.map((log) => lastIn(endOf(log), paths));
	const refusals = found.map(({ refusal }) => refusal).filter((each) => each !== undefined);
	const times = found.flatMap(({ since }) => since ?? []).sort();
	return { refusal: refusals.sort((a, b) => timeOf(a).localeCompare(timeOf(b))).at(-1), since: times[0] };
}

/** Returns the real path also of a file that is gone, if its directory is there. */
export function realPathOf(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		try {
			return join(realpathSync(dirname(path)), basename(path));
		} catch {
			return path;
		}
	}
}

function lastIn(text: string, paths: readonly string[]): Found {
	const lines = text.split("\n");
	let since: string | undefined;
	for (const line of lines) {
		const event = parseEvent(line);
		if (event === undefined) continue;
		since = timeOf(event);
		break;
	}
	for (const line of lines.reverse()) {
		const event = line.includes('"verdict":"allow"') ? undefined : parseEvent(line);
		if (event !== undefined && isFinding(event) && names(event, paths)) return { refusal: event, since };
	}
	return { refusal: undefined, since };
}

function names(event: Told, paths: readonly string[]): boolean {
	const named = ["path", "script", "file", "argument"].map((name) => event[name]);
	const { detail } = event;
	return paths.some((path) => {
		return named.includes(path) || (typeof detail === "string" && detail.includes(quote(path)));
	});
}

function timeOf({ time }: Told): string {
	return typeof time === "string" ? time : "";
}

function endOf(file: string): string {
	if (!isStream(file)) return lastTextOf(file);
	const bytes = readInputFile(file, MAX_INPUT_BYTES);
	requireText(file, bytes);
	return bytes.toString();
}

/**
 * Tells whether a log can only be read from its beginning, as a process substitution.
 * @throws ERR_IO; ERR_USAGE for a FIFO, because opening one waits for a writer that may never come
 */
function isStream(file: string): boolean {
	if (file === "-") return true;
	let stats: Stats;
	try {
		stats = statSync(file);
	} catch (cause) {
		throw ioError("read", file, cause);
	}
	if (stats.isFIFO() && hasName(file)) {
		const command = shell`cat ${file} | ${COMMAND} explain --log - PATH`;
		throw usageError(`Cannot look through ${quote(file)}: it is a FIFO; run \`${command}\``);
	}
	return !stats.isFile();
}

/** Tells whether a pipe is a FIFO. The pipe of a process substitution has no name where the link `/dev/fd/N` leads. */
function hasName(pipe: string): boolean {
	try {
		realpathSync.native(pipe);
		return true;
	} catch {
		return false;
	}
}

function lastTextOf(file: string): string {
	let descriptor: number | undefined;
	try {
		descriptor = openSync(file, "r");
		const head = Buffer.alloc(LONGEST_MAGIC);
		readSync(descriptor, head, 0, head.length, 0);
		requireText(file, head);
		const { size } = fstatSync(descriptor);
		const bytes = Buffer.alloc(Math.min(size, MAX_INPUT_BYTES));
		return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)).toString();
	} catch (cause) {
		if (cause instanceof SigtoolError) throw cause;
		throw ioError("read", file, cause);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** @throws ERR_USAGE for a compressed file, in which nothing would be found */
function requireText(file: string, bytes: Buffer): void {
	const program = decompressorOf(bytes);
	if (program === undefined) return;
	const command = `${program} ${shell`${file} | ${COMMAND} explain --log - PATH`}`;
	throw usageError(`Cannot look through ${quote(file)}: it is compressed; run \`${command}\``);
}
