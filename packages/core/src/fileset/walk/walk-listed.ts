/** Yields the entries that a caller lists by path, in byte order. No directory is walked. */

import { lstatSync, type Stats } from "node:fs";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { collisionFinder, comparePathBytes, entryPathProblem } from "../paths/entry-path.js";
import { followLink } from "./links.js";
import { judgeSpecial } from "./list-directory.js";
import type { WalkOptions, WalkStep } from "./walk.js";

/**
 * Looks up each of `paths` below `base`, which ends in "/". Throws only what `exclude` throws. In addition to the
 * problems of a walk, there can be ERR_ROOT_MISSING, ERR_FILE_TYPE for a directory, ERR_PATH_DUPLICATE and
 * ERR_LINK_PARENT. ERR_LINK_PARENT means that a path leads through a link to a directory, and that links are not
 * followed.
 */
export function* walkListed(
	base: string,
	paths: readonly string[],
	options: WalkOptions,
): Generator<WalkStep, void, undefined> {
	const findCollision = collisionFinder(options);
	const knownDirectories = new Set([""]);
	for (const path of [...paths].sort(comparePathBytes)) {
		if (options.skip.has(path)) continue;
		const illegal = entryPathProblem(path);
		if (illegal === undefined && options.exclude?.(path, "file") === true) {
			yield { kind: "ignored" };
			continue;
		}
		try {
			const error = illegal ?? findCollision(path);
			yield error === undefined ? examine(base, path, knownDirectories, options) : { kind: "problem", error };
		} catch (cause) {
			const error = cause instanceof SigtoolError ? cause : failure(path, cause);
			yield { kind: "problem", error };
		}
	}
}

function examine(base: string, path: string, knownDirectories: Set<string>, options: WalkOptions): WalkStep {
	const link = linkAbove(base, path, knownDirectories);
	if (link !== undefined) {
		if (options.links !== "follow") {
			const message = `Cannot hash ${quote(path)}: it is reached through the symbolic link ${quote(link)}`;
			throw new SigtoolError("ERR_LINK_PARENT", message, { path });
		}
		const { kind, realPath } = followLink(base, path, options);
		if (kind !== "file") throw notAFile(path, kind);
		return { kind: "linked-file", path, realPath };
	}
	const stats = lstatSync(base + path);
	if (stats.isFile()) return { kind: "files", prefix: "", names: [path] };
	if (stats.isDirectory()) throw notAFile(path, "directory");
	const judged = judgeSpecial(base, path, stats, options);
	if (judged.kind === "linked-directory") throw notAFile(path, "link to a directory");
	return judged;
}

/** Returns the first directory in `path` that is a symbolic link, or undefined if there is none. */
function linkAbove(base: string, path: string, knownDirectories: Set<string>): string | undefined {
	for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
		const directory = path.slice(0, slash);
		if (knownDirectories.has(directory)) continue;
		const stats: Stats = lstatSync(base + directory);
		if (stats.isSymbolicLink()) return directory;
		knownDirectories.add(directory);
	}
	return undefined;
}

function notAFile(path: string, what: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot hash ${quote(path)}: it is a ${what}, not a file`, { path });
}

function failure(path: string, cause: unknown): SigtoolError {
	if (!isErrnoException(cause) || (cause.code !== "ENOENT" && cause.code !== "ENOTDIR")) {
		return ioError("look at", path, cause);
	}
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot hash ${quote(path)}: it does not exist`, { cause, path });
}
