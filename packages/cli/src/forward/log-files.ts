/** Finds the files of a log that is rotated, and tells which of them continues which. */

import { type FileHandle, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createLineSplitter, type LogLine, lineDigest, MAX_LINE_BYTES } from "@sigtool/core/internal";
import { isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { parseEvent, type Told, timeIn } from "../events/event.js";
import { openLog } from "../events/follow.js";
import { piecesFrom, piecesOfHandle } from "./pieces-from.js";
import type { Position } from "./position.js";

export interface Log {
	/** The file that is being written. */
	readonly path: string;
	/** The directories to which its earlier files go. Their names are that of the log and more after a dot or a dash. */
	readonly rotated: readonly string[];
}

/** Where to go on with a log. */
export interface Part {
	readonly path: string;
	/** The file that is being written is open. The others are read by their paths, since they may be compressed. */
	readonly handle: FileHandle | undefined;
	readonly inode: number;
	/** The end of the last line that was sent. */
	readonly fromBytes: number;
	/** The least number of lines that are missing between the last line and this part. */
	readonly missed: number;
}

/**
 * Returns where the line after `last` is, or undefined if it was not written yet. The first line of a file has the digest
 * of the last line of the file before as `chain`, if a collector wrote both. This shows the order of the files and what
 * is missing. With `by
 * inode`, the last line is not looked for in copies while the file that is being written is empty.
 * @throws ERR_ROOT_MISSING; ERR_IO
 */
export async function nextPart(
	log: Log,
	last: Position | undefined,
	search: "by inode" | "everywhere",
): Promise<Part | undefined> {
	const handle = await openLog(log.path);
	let part: Part | undefined;
	try {
		part = await partAfter(log, { path: log.path, handle, ...(await statsOf(handle)) }, last, search);
	} finally {
		if (part?.handle === undefined) await handle.close();
	}
	return part;
}

interface LogFile {
	readonly path: string;
	readonly inode: number;
	readonly modifiedMs: number;
	readonly handle?: FileHandle | undefined;
}

async function statsOf(file: FileHandle | string): Promise<{ inode: number; modifiedMs: number; sizeBytes: number }> {
	const { ino, mtimeMs, size } = typeof file === "string" ? await stat(file) : await file.stat();
	return { inode: ino, modifiedMs: mtimeMs, sizeBytes: size };
}

async function partAfter(
	log: Log,
	written: LogFile & { readonly sizeBytes: number },
	last: Position | undefined,
	search: "by inode" | "everywhere",
): Promise<Part | undefined> {
	const part = ({ path, inode, handle }: LogFile, fromBytes = 0, missed = 0): Part => {
		return { path, inode, handle, fromBytes, missed };
	};
	if (last === undefined || (await lookFor(last, written)) !== "absent") return part(written, last?.endBytes);
	const earlier = await earlierFiles(log);
	const own = await ownFile(last, earlier, written.sizeBytes === 0 ? search : "everywhere");
	if (own?.found === "with more after it") return part(own.file, last.endBytes);
	// The collector has not begun the new file yet.
	if (written.sizeBytes === 0) return undefined;
	const firsts = [];
	for (const file of [written, ...earlier]) firsts.push({ file, first: await ifReadable(firstLine(file)) });
	const successor = firsts.find(({ first }) => first?.chain === last.digest);
	if (successor !== undefined) return part(successor.file);
	// No file names the last line. So the next lines are those that are later.
	const later = firsts
		.filter(({ file, first }) => file !== own?.file && timeOf(first) > (last.time ?? ""))
		.sort((a, b) => (timeOf(a.first) < timeOf(b.first) ? -1 : 1));
	const { file, first } = later[0] ?? { file: written, first: firsts[0]?.first };
	// If a program without a collector wrote the last line, no `chain` names this line alone. If a collector knew no line
	// before its first one, its `chain` names none. In both cases nothing shows that lines are missing.
	const isUnnamed = first?.chain === undefined || /^0*$/.test(String(first.chain)) || last.seq === undefined;
	const isKnown = own !== undefined && isUnnamed;
	return part(file, 0, isKnown ? 0 : leastMissing(last.seq, first?.seq));
}

function timeOf(line: Told | undefined): string {
	return (line && timeIn(line)) ?? "";
}

/** Each collector counts its lines from 1, and several may have written between the two lines. */
function leastMissing(before: number | undefined, after: unknown): number {
	if (typeof after !== "number") return 1;
	return Math.max(1, before !== undefined && after > before ? after - before - 1 : after - 1);
}

/** Returns the other files of the log. */
async function earlierFiles({ path, rotated }: Log): Promise<LogFile[]> {
	const name = basename(path);
	const found: LogFile[] = [];
	for (const directory of new Set([dirname(path), ...rotated].map((each) => resolve(each)))) {
		for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
			const file = join(directory, entry.name);
			if (!entry.isFile() || !(entry.name.startsWith(`${name}.`) || entry.name.startsWith(`${name}-`))) continue;
			found.push({ path: file, ...(await statsOf(file).catch((cause) => Promise.reject(goneOr(cause, file)))) });
		}
	}
	return found;
}

/** A file that has gone was renamed, so the files must be listed again. */
function goneOr(cause: unknown, path: string): unknown {
	if (!isErrnoException(cause) || cause.code !== "ENOENT") return cause;
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot read ${quote(path)}: it has been renamed or removed`, {
		cause,
		path,
	});
}

type Found = "at the end" | "with more after it";

/**
 * Returns the file that has the line. The files that were written after the line come first. The others are read too,
 * because a program can say a wrong time of its events.
 */
async function ownFile(
	last: Position,
	files: readonly LogFile[],
	where: "by inode" | "everywhere",
): Promise<{ file: LogFile; found: Found } | undefined> {
	const at = last.time === undefined ? 0 : Date.parse(last.time) - CLOCK_MS;
	const likely = files.filter(({ inode }) => inode === last.inode);
	const others = files.filter(({ inode }) => inode !== last.inode);
	const later = others.filter(({ modifiedMs }) => modifiedMs >= at);
	const earlier = others.filter((file) => !later.includes(file));
	for (const file of where === "by inode" ? likely : [...likely, ...later, ...earlier]) {
		const found = (await ifReadable(lookFor(last, file))) ?? "absent";
		if (found !== "absent") return { file, found };
	}
	return undefined;
}

/**
 * Returns undefined for a file that cannot be read, such as one that is just being compressed, or was by another program
 * than gzip. A file that has gone was renamed, so the files must be listed again. @throws ERR_ROOT_MISSING
 */
async function ifReadable<T>(read: Promise<T>): Promise<T | undefined> {
	try {
		return await read;
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.code === "ERR_ROOT_MISSING") throw error;
		return undefined;
	}
}

/** File systems have coarser times than events. */
const CLOCK_MS = 2000;

async function lookFor({ startBytes, endBytes, digest }: Position, file: LogFile): Promise<Found | "absent"> {
	const splitter = createLineSplitter();
	let offset = startBytes;
	let found: Found | "absent" = "absent";
	for await (const piece of piecesOf(file, startBytes)) {
		const part = piece.subarray(clamp(startBytes - offset, piece), clamp(endBytes - offset, piece));
		// A range that has a line feed is not the line.
		for (const _ of splitter.push(part)) return "absent";
		offset += piece.length;
		if (offset >= endBytes) found = "at the end";
		// The line feed of the line itself is nothing more.
		if (offset > endBytes + 1) {
			found = "with more after it";
			break;
		}
	}
	const line = splitter.end() ?? { bytes: undefined, leaf: undefined };
	return found !== "absent" && lineDigest(line) === digest ? found : "absent";
}

function clamp(index: number, { length }: Buffer): number {
	return Math.min(Math.max(index, 0), length);
}

function piecesOf({ path, handle }: LogFile, fromBytes: number): AsyncGenerator<Buffer, void, undefined> {
	return handle === undefined ? piecesFrom(path, fromBytes) : piecesOfHandle(handle, path, fromBytes);
}

/** Reads no more than the longest line that counts, because a small compressed file can be very long. */
async function firstLine(file: LogFile): Promise<Told | undefined> {
	const splitter = createLineSplitter();
	let sizeBytes = 0;
	const told = ({ bytes }: LogLine) => (bytes === undefined ? undefined : parseEvent(bytes.toString()));
	for await (const piece of piecesOf(file, 0)) {
		for (const line of splitter.push(piece)) return told(line);
		sizeBytes += piece.length;
		if (sizeBytes > MAX_LINE_BYTES) return undefined;
	}
	const last = splitter.end();
	return last && told(last);
}
