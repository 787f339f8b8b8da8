/** Recognises directories that are missing or were added as a whole. */

import type { ErrorCode } from "../errors.js";

/** The part of a finding that this file needs. */
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
	const foundIn = lazily(() => directoriesOf(found()));
	const signedIn = lazily(() => directoriesOf(signed()));
	return findings.map((finding) => {
		const { code, path } = finding;
		if ((code !== "ERR_FILE_MISSING" && code !== "ERR_FILE_ADDED") || !path.includes("/")) return finding;
		const directory = highestOutside(code === "ERR_FILE_MISSING" ? foundIn() : signedIn(), path);
		return directory === undefined ? finding : { ...finding, directory };
	});
}

/** Returns every directory above one of the paths. */
function directoriesOf(paths: Iterable<string>): ReadonlySet<string> {
	const directories = new Set<string>();
	for (const path of paths) {
		for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
			const directory = path.slice(0, slash);
			if (directories.has(directory)) break;
			directories.add(directory);
		}
	}
	return directories;
}

function highestOutside(directories: ReadonlySet<string>, path: string): string | undefined {
	for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
		const directory = path.slice(0, slash);
		if (!directories.has(directory)) return directory;
	}
	return undefined;
}

function lazily<T>(make: () => T): () => T {
	let made: T | undefined;
	return () => {
		made ??= make();
		return made;
	};
}
