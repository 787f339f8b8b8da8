/** Recognises directories that are missing or were added as a whole. */

import type { Finding, SignedSet } from "./compare.js";
import { entryPathAt, type Manifest } from "./manifest.js";

/**
 * Returns the findings, with `directory` for each missing entry of a directory in which nothing was found, and for each
 * added entry of a directory in which nothing is signed.
 */
export function withWholeDirectories(
	findings: readonly Finding[],
	manifest: Manifest,
	{ files, links }: SignedSet,
): Finding[] {
	const foundIn = lazily(() =>
		directoriesOf([...pathsOf(manifest), ...manifest.problems.map(({ path = "" }) => path)]),
	);
	const signedIn = lazily(() => directoriesOf([...files.keys(), ...links.keys()]));
	return findings.map((finding) => {
		const { code, path } = finding;
		if ((code !== "ERR_FILE_MISSING" && code !== "ERR_FILE_ADDED") || !path.includes("/")) return finding;
		const directory = highestOutside(code === "ERR_FILE_MISSING" ? foundIn() : signedIn(), path);
		return directory === undefined ? finding : { ...finding, directory };
	});
}

function* pathsOf(manifest: Manifest): Generator<string> {
	for (let index = 0; index < manifest.count; index++) yield entryPathAt(manifest, index);
}

/** Returns every directory on the way to one of the paths. */
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
