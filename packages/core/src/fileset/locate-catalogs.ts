/** Where catalogs lie: PowerShell's convention is `<dir>/<name of dir>.cat`. */

import { existsSync, lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../errors.js";

/** The catalog a directory has by convention, whether or not it exists. */
export function conventionalCatalog(directory: string): string {
	return join(directory, `${basename(directory)}.cat`);
}

/** A conventional catalog and the directory it speaks for, as one gets there; `file` is real. */
export interface LocatedCatalog {
	readonly file: string;
	readonly directory: string;
}

/** Conventional catalogs that exist in a directory and above it, along the path as given, the directory's own first. */
export function catalogsFrom(directory: string): LocatedCatalog[] {
	const found: LocatedCatalog[] = [];
	for (let current = resolve(directory); ; current = dirname(current)) {
		const file = existsSync(current) ? conventionalCatalog(realPath(current)) : undefined;
		if (file !== undefined && statOrUndefined(file)?.isFile() === true) found.push({ file, directory: current });
		if (current === dirname(current)) return found;
	}
}

/** A catalog file as it is; for a directory its `*.cat` files in name order. @throws ERR_CATALOG_NOT_FOUND */
export function catalogFilesAt(path: string): string[] {
	const stats = statOrUndefined(path);
	if (stats === undefined) throw missing(path);
	if (!stats.isDirectory()) return [path];
	const names = catalogNamesIn(path);
	if (names.length === 0) {
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", `Cannot find a catalog in ${quote(path)}: no *.cat file`, { path });
	}
	return names.map((name) => join(path, name));
}

/** Names of a directory's `*.cat` files, in order. @throws ERR_IO */
export function catalogNamesIn(directory: string): string[] {
	return attempt("list", directory, () => readdirSync(directory))
		.filter((name) => name.endsWith(".cat"))
		.sort();
}

/** What is at a path; a link is `link` unless it leads to a directory. @throws ERR_ROOT_MISSING, ERR_IO */
export function kindOf(path: string): "directory" | "file" | "link" | "other" {
	const stats = attempt("open", path, () => lstatSync(path, { throwIfNoEntry: false }));
	if (stats === undefined) throw missing(path);
	if (stats.isSymbolicLink()) return statOrUndefined(path)?.isDirectory() === true ? "directory" : "link";
	return stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
}

/** Absolute path without links. @throws ERR_ROOT_MISSING, ERR_IO */
export function realPath(path: string): string {
	return attempt("open", path, () => realpathSync.native(path));
}

function statOrUndefined(path: string): Stats | undefined {
	return attempt("open", path, () => statSync(path, { throwIfNoEntry: false }));
}

function attempt<T>(action: string, path: string, run: () => T): T {
	try {
		return run();
	} catch (cause) {
		if (isErrnoException(cause) && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) {
			throw missing(path);
		}
		throw ioError(action, path, cause);
	}
}

/** Path of an entry below a root, with `/`. Both absolute and without links. */
export function entryPathOf(root: string, path: string): string {
	return relative(root, path).split(sep).join("/");
}

export function isBelow(root: string, path: string): boolean {
	const steps = relative(root, path);
	return steps !== "" && steps !== ".." && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}

function missing(path: string): SigtoolError {
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: it does not exist`, { path });
}
