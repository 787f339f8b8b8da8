/** Opening the regular files of a tree one after the other, for what is done to files without reading them. */

import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { basename } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../errors.js";
import { kindOf, realPath } from "./locate-catalogs.js";
import { walkTree } from "./walk.js";

export interface OpenedFile {
	readonly descriptor: number;
	/** Entry path. */
	readonly name: string;
	readonly stats: Stats;
}

/**
 * Calls `act` with each regular file of the directory `path`, or with the one file it names, opened for reading. Symbolic
 * links are passed over; what vanished meanwhile, too.
 * @returns how many files there were
 * @throws ERR_ROOT_MISSING, ERR_PATH_*, ERR_FILE_TYPE, ERR_IO, and whatever `act` throws
 */
export function openFiles(path: string, act: (file: OpenedFile) => void): number {
	if (kindOf(path) !== "directory") return openFile(realPath(path), basename(path), act);
	const base = `${realPath(path)}/`.replace(/\/\/$/, "/");
	let count = 0;
	for (const step of walkTree(base, { links: "record", linksOutside: "record", caseCollisions: "allow", skip: NONE })) {
		if (step.kind === "problem") throw step.error;
		if (step.kind !== "files") continue;
		for (const name of step.names) count += openFile(base + step.prefix + name, step.prefix + name, act);
	}
	return count;
}

const NONE: ReadonlySet<string> = new Set();

/** O_NONBLOCK: a FIFO put in a file's place must not stop us. Windows has neither flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function openFile(path: string, name: string, act: (file: OpenedFile) => void): number {
	let descriptor: number;
	try {
		descriptor = openSync(path, OPEN_FLAGS);
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return 0;
		if (isErrnoException(cause) && cause.code === "ELOOP") throw notAFile(name);
		throw ioError("open", name, cause);
	}
	try {
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) throw notAFile(name);
		act({ descriptor, name, stats });
		return 1;
	} finally {
		closeSync(descriptor);
	}
}

function notAFile(name: string): SigtoolError {
	const message = `Cannot open ${quote(name)}: it is not a regular file`;
	return new SigtoolError("ERR_FILE_TYPE", message, { path: name });
}
