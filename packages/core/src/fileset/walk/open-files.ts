/** Opens regular files one after the other, for operations that do not read the content. */

import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { pathOfDescriptor } from "../paths/descriptor-path.js";
import { realPath } from "../paths/locate-catalogs.js";
import { walkTree } from "./walk.js";

export interface OpenedFile {
	readonly descriptor: number;
	/** The entry path. If the command line named the file itself, this is the path that was given there. */
	readonly name: string;
}

export interface OpenFilesOptions {
	/** Receives ERR_PATH_*, ERR_FILE_TYPE, ERR_FILE_CHANGED or ERR_IO for each entry that cannot be opened. */
	readonly onProblem: (problem: SigtoolError) => void;
}

/**
 * Opens each regular file below a directory for reading, calls `act` with the open file, and closes the file. Symbolic
 * links are skipped, and so are files that vanished meanwhile.
 * @returns the number of files opened
 * @throws ERR_ROOT_MISSING, ERR_IO, and whatever `act` throws
 */
export function openFiles(directory: string, act: (file: OpenedFile) => void, { onProblem }: OpenFilesOptions): number {
	const base = `${realPath(directory)}/`.replace(/\/\/$/, "/");
	let count = 0;
	for (const step of walkTree(base, { links: "record", linksOutside: "record", caseCollisions: "allow", skip: NONE })) {
		if (step.kind === "problem") onProblem(step.error);
		if (step.kind !== "files") continue;
		for (const key of step.names) {
			const name = step.prefix + key;
			const descriptor = openOrReport(base + name, name, onProblem);
			if (descriptor === undefined) continue;
			count++;
			actAndClose({ descriptor, name }, act);
		}
	}
	return count;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Opens the file at `path` for reading, calls `act` with the open file, and closes the file. Does nothing if there is
 * no file.
 * @throws ERR_FILE_TYPE (also for a symbolic link), ERR_IO, and whatever `act` throws
 */
export function openFile(path: string, name: string, act: (file: OpenedFile) => void): void {
	const descriptor = openRegular(path, name, "anywhere");
	if (descriptor !== undefined) actAndClose({ descriptor, name }, act);
}

function actAndClose(file: OpenedFile, act: (file: OpenedFile) => void): void {
	try {
		act(file);
	} finally {
		closeSync(file.descriptor);
	}
}

function openOrReport(path: string, name: string, onProblem: OpenFilesOptions["onProblem"]): number | undefined {
	try {
		return openRegular(path, name, "in-place");
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		onProblem(error);
		return undefined;
	}
}

/**
 * O_NONBLOCK keeps open(2) from waiting if a FIFO has replaced the file. Windows has neither O_NONBLOCK nor
 * O_NOFOLLOW.
 */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file and returns its descriptor, or undefined if the file vanished. The value `in-place` requires
 * that `path` is the file's real path, because a directory that was replaced by a symbolic link would lead to files
 * outside the tree.
 */
function openRegular(path: string, name: string, place: "in-place" | "anywhere"): number | undefined {
	let descriptor = -1;
	try {
		descriptor = openSync(path, OPEN_FLAGS);
		if (!fstatSync(descriptor).isFile()) throw notAFile(name);
		if (place === "in-place" && pathOfDescriptor(descriptor, path) !== path) throw moved(name);
		return descriptor;
	} catch (cause) {
		if (descriptor !== -1) closeSync(descriptor);
		if (cause instanceof SigtoolError) throw cause;
		const errno = isErrnoException(cause) ? cause.code : "";
		if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
		throw errno === "ELOOP" || errno === "ENXIO" ? notAFile(name) : ioError("open", name, cause);
	}
}

function moved(name: string): SigtoolError {
	const message = `Cannot open ${quote(name)}: the file, or a directory above it, was moved or replaced meanwhile`;
	return new SigtoolError("ERR_FILE_CHANGED", message, { path: name });
}

function notAFile(name: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot open ${quote(name)}: it is not a regular file`, { path: name });
}
