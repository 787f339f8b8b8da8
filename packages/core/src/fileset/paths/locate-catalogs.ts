/** Finds catalogs. By PowerShell's convention a directory's catalog is `<dir>/<name of dir>.cat`. */

import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { refusePem } from "../../system/read-file.js";
import { leadToOneFile } from "./absolute-path.js";

/** Returns the path of a directory's conventional catalog, even if there is no such file. */
export function conventionalCatalog(directory: string): string {
	return join(directory, `${basename(directory)}.cat`);
}

/** A conventional catalog and the directory it covers. */
export interface LocatedCatalog {
	/** The path of the catalog, which consists of the real path of its directory and its name. */
	readonly file: string;
	/** The absolute path of the directory as it was given, which may contain links. */
	readonly directory: string;
}

/**
 * Returns the path of a file unchanged. For a directory, returns the paths of its `*.cat` files in the order of their
 * names.
 * @throws ERR_CATALOG_NOT_FOUND, ERR_ROOT_MISSING, ERR_IO
 */
export function catalogFilesAt(path: string): string[] {
	const stats = statOrUndefined(path);
	if (stats === undefined) throw missingFile(path);
	if (!stats.isDirectory()) return [path];
	const names = catalogNamesIn(path);
	if (names.length === 0) {
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", `Cannot find a catalog in ${quote(path)}: no *.cat file`, { path });
	}
	return names.map((name) => join(path, name));
}

/** Returns the sorted names in a directory for which `hasCatalogName` returns true. @throws ERR_ROOT_MISSING, ERR_IO */
export function catalogNamesIn(directory: string): string[] {
	return attempt("list", directory, () => readdirSync(directory))
		.filter(hasCatalogName)
		.sort();
}

/**
 * Returns true if a path ends in `.cat`, in upper or lower case, because the catalogs of drivers often end in `.CAT`.
 */
export function hasCatalogName(path: string): boolean {
	return path.slice(-4).toLowerCase() === ".cat";
}

/** Returns true if there is a regular file at the path, or a link to one. @throws ERR_IO */
export function isRegularFile(path: string): boolean {
	return statOrUndefined(path)?.isFile() === true;
}

/**
 * Returns the type of the file at a path. A link to a directory counts as a directory, and any other link as `link`.
 * @throws ERR_ROOT_MISSING, ERR_IO
 */
export function kindOf(path: string): "directory" | "file" | "link" | "other" {
	const stats = attempt("open", path, () => lstatSync(path, { throwIfNoEntry: false }));
	if (stats === undefined) throw missingFile(path);
	if (stats.isSymbolicLink()) return statOrUndefined(path)?.isDirectory() === true ? "directory" : "link";
	return stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
}

/**
 * Returns the absolute path without links.
 * @throws ERR_USAGE if it leads to another file: a link of /proc, such as `/proc/PID/root`, may lead into another mount
 * namespace, where its text means something else; ERR_ROOT_MISSING, ERR_IO
 */
export function realPath(path: string): string {
	const real = attempt("open", path, () => realpathSync.native(path));
	if (real !== path && !leadToOneFile(real, path)) {
		const message = `Cannot tell where ${quote(path)} lies: it leads to another file than ${quote(real)}`;
		throw new SigtoolError("ERR_USAGE", message, { path });
	}
	return real;
}

/**
 * Returns the real path of the directory of `path`, followed by the last name of `path`. The entry with this name may
 * be a link, and need not exist. The path must end in a name, not in `..`, `.` or "/".
 * @throws ERR_ROOT_MISSING if the directory does not exist; ERR_IO
 */
export function inRealDirectory(path: string): string {
	return join(realPath(dirname(path)), basename(path));
}

function statOrUndefined(path: string): Stats | undefined {
	return attempt("open", path, () => statSync(path, { throwIfNoEntry: false }));
}

function attempt<T>(action: string, path: string, run: () => T): T {
	refusePem(path);
	try {
		return run();
	} catch (cause) {
		if (isErrnoException(cause) && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) {
			throw missingFile(path);
		}
		throw ioError(action, path, cause);
	}
}

/** Returns the "/"-separated path of an entry below a root. Both arguments are absolute and without links. */
export function entryPathOf(root: string, path: string): string {
	return relative(root, path).split(sep).join("/");
}

export function isBelow(root: string, path: string): boolean {
	const steps = relative(root, path);
	return steps !== "" && steps !== ".." && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}

/** Makes an ERR_ROOT_MISSING for a path that leads to nothing. */
export function missingFile(path: string): SigtoolError {
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: it does not exist`, { path });
}
