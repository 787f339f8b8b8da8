/** The JSON Lines file of events. It may be renamed while the process runs, as logrotate does. */

import { errnoReason, quote } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import {
	closeSync,
	effectiveUser,
	fstatSync,
	lstatSync,
	now,
	O_APPEND,
	O_CREAT,
	O_NOCTTY,
	O_NOFOLLOW,
	O_NONBLOCK,
	O_WRONLY,
	openSync,
	S_IFMT,
	S_IFREG,
} from "../safe/primordials.js";
import { IN_BIG_INTEGERS } from "../safe/record.js";
import type { AuditSink } from "./audit.js";
import { wait, writeFully } from "./sinks.js";

export interface EventsFileOptions {
	/** Default `all`. */
	readonly wants?: AuditSink["wants"];
	/**
	 * Called once in `REPORT_MS` while events go on to a file that had the path before. `reason` says why the file that has
	 * the path now cannot be written.
	 */
	readonly onDetached?: (reason: string) => void;
}

export const REPORT_MS = 60_000;
/**
 * While logrotate works, the new file is missing for a moment, and then belongs to root. The sink waits for up to 100 ms
 * (10 × 10 ms).
 */
const MAX_WAITS = 10;

/**
 * Appends to a file, which is created with mode 0600. Each call is one write(2) of whole lines, so several processes can
 * share the file. Before each write the descriptor is compared with what the path names. If they differ, the file that
 * the path names is opened, without following a link.
 * @throws ERR_AUDIT_SINK if the file cannot be opened
 */
export function jsonLinesSink(file: string, { wants = "all", onDetached }: EventsFileOptions = {}): AuditSink {
	let own: OpenedFile;
	let reported = 0;
	// A full disk can cut a line. Then the next line begins with a line end.
	let isCut = false;
	try {
		own = openedFile(openWaiting(file, true, MAX_WAITS));
	} catch (cause) {
		const message = `Cannot write audit events to ${quote(file)}: ${errnoReason(cause)}; ${wayOut(file, cause)}`;
		throw new SigtoolError("ERR_AUDIT_SINK", message, { cause, path: file });
	}

	/** Goes over to the file that has the path. @throws if events would get lost otherwise */
	function followPath(): void {
		const links = linksOf(own);
		if (links > 0n && isAt(file, own)) return;
		const isDue = !(now() - reported < REPORT_MS && now() >= reported);
		try {
			const next = reopened(file, own, links === 0n, isDue ? MAX_WAITS : 0);
			if (links >= 0n) closeSync(own.descriptor);
			own = next;
			isCut = false;
		} catch (error) {
			if (isDue) {
				reported = now();
				onDetached?.(errnoReason(error));
			}
			// A file without a name is lost when the process ends.
			if (links <= 0n) throw error;
		}
	}

	return {
		name: quote(file),
		wants,
		write(lines) {
			followPath();
			const text = isCut ? `\n${lines}` : lines;
			writeFully(own.descriptor, text, (isWhole) => {
				isCut = !isWhole;
			});
			// Another thread of the program may have put another file in the place of the descriptor.
			if (linksOf(own) < 0n) writeByPath(file, lines);
		},
	};
}

/** Tells what lets this user append to a file that could not be opened. */
function wayOut(file: string, error: unknown): string {
	if (codeOf(error) !== "EACCES") return "free the disk, or make the directory, and let this user append to the file";
	const user = effectiveUser();
	try {
		const { uid, gid, mode } = lstatSync(file, IN_BIG_INTEGERS);
		const rights = (Number(mode) & 0o7777).toString(8).padStart(4, "0");
		return `user ${user} may not append to it (owner ${uid}, group ${gid}, mode ${rights}): change its owner, or its group and mode`;
	} catch {
		return `let user ${user} reach and write its directory`;
	}
}

function writeByPath(file: string, lines: string): void {
	const descriptor = openSync(file, FLAGS);
	try {
		writeFully(descriptor, lines);
	} finally {
		closeSync(descriptor);
	}
}

interface OpenedFile {
	readonly descriptor: number;
	readonly dev: bigint;
	readonly ino: bigint;
	readonly uid: bigint;
}

const [TYPE, REGULAR] = [BigInt(S_IFMT), BigInt(S_IFREG)];
const FLAGS = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

function openedFile(descriptor: number): OpenedFile {
	const { dev, ino, uid } = fstatSync(descriptor, IN_BIG_INTEGERS);
	return { descriptor, dev, ino, uid };
}

/**
 * Opens the file, or makes it. If it is missing and this user may not make it, throws the error that it is missing. The
 * file may be in the middle of a rotation, so this error may pass.
 */
function openOrCreate(file: string): number {
	try {
		return openSync(file, FLAGS);
	} catch (missing) {
		if (codeOf(missing) !== "ENOENT") throw missing;
		try {
			return openSync(file, FLAGS | O_CREAT, 0o600);
		} catch (error) {
			throw codeOf(error) === "EACCES" ? missing : error;
		}
	}
}

/** Opens the file again as one that only this user, root, or the owner of the former file could have put there. */
function reopened(file: string, former: OpenedFile, creates: boolean, waits: number): OpenedFile {
	const descriptor = openWaiting(file, creates, waits);
	try {
		const { dev, ino, uid, mode, nlink } = fstatSync(descriptor, IN_BIG_INTEGERS);
		if ((mode & TYPE) !== REGULAR) throw new Error("it is no regular file");
		if (nlink !== 1n) throw new Error("it has several names, or none any more");
		if (uid !== 0n && uid !== former.uid && uid !== effectiveUser()) throw new Error("it belongs to another user");
		return { descriptor, dev, ino, uid };
	} catch (error) {
		closeSync(descriptor);
		throw error;
	}
}

function openWaiting(file: string, creates: boolean, waits: number): number {
	for (let waited = 0; ; waited++) {
		try {
			return creates ? openOrCreate(file) : openSync(file, FLAGS);
		} catch (error) {
			const code = codeOf(error);
			if ((code !== "ENOENT" && code !== "EACCES") || waited >= waits) throw error;
			wait();
		}
	}
}

/** Returns the number of names of the file, or -1 if the program closed the descriptor or used it for another file. */
function linksOf({ descriptor, dev, ino }: OpenedFile): bigint {
	try {
		const stats = fstatSync(descriptor, IN_BIG_INTEGERS);
		return stats.dev === dev && stats.ino === ino ? stats.nlink : -1n;
	} catch {
		return -1n;
	}
}

function isAt(file: string, { dev, ino }: OpenedFile): boolean {
	try {
		const named = lstatSync(file, IN_BIG_INTEGERS);
		return named.dev === dev && named.ino === ino;
	} catch {
		return false;
	}
}

function codeOf(error: unknown): string | undefined {
	return (error as NodeJS.ErrnoException).code;
}
