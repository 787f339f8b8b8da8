/** Recognises directories that are missing or were added as a whole. */

import type { ErrorCode } from "../../errors.js";
import { directoriesAbove } from "../paths/path-tree.js";

/** The members of a finding that this file reads and writes. */
interface Difference {
	readonly code: ErrorCode;
	readonly path: string;
	readonly directory?: string;
}

/** The paths of all entries, which are listed only when they are needed. */
export interface AllPaths {
	readonly found: () => Iterable<string>;
	readonly signed: () => Iterable<string>;
}

/**
 * Returns the findings. A missing entry gets as `directory` the topmost directory above it in which nothing was found.
 * An added entry gets the topmost directory above it in which nothing is signed.
 */
export function withWholeDirectories<T extends Difference>(findings: readonly T[], { found, signed }: AllPaths): T[] {
	const foundIn = lazily(() => directoriesAbove(found()));
	const signedIn = lazily(() => directoriesAbove(signed()));
	return findings.map((finding) => {
		const { code, path } = finding;
		if ((code !== "ERR_FILE_MISSING" && code !== "ERR_FILE_ADDED") || !path.includes("/")) return finding;
		const directory = (code === "ERR_FILE_MISSING" ? foundIn() : signedIn()).topmostOutside(path);
		return directory === undefined ? finding : { ...finding, directory };
	});
}

function lazily<T>(make: () => T): () => T {
	let made: T | undefined;
	return () => {
		made ??= make();
		return made;
	};
}
