/** Names files relative to directories: for people, and with "/" between the names for programs that read reports. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { ReportedFinding, Subject } from "./reporter.js";

/** Returns the absolute path of the file that a finding is about. Without a path it is about the subject. */
export function placeOf(subject: Subject, { path }: ReportedFinding): string {
	if (path === "") return resolve(subject.path);
	return subject.root === undefined ? resolve(path) : resolve(subject.root, path);
}

/**
 * Returns the directory to which a report's paths are relative: $GITHUB_WORKSPACE, else the repository around the
 * working directory, else the working directory. Links are resolved.
 */
export function repositoryRoot(): string {
	const { GITHUB_WORKSPACE } = process.env;
	const start = GITHUB_WORKSPACE && existsSync(GITHUB_WORKSPACE) ? GITHUB_WORKSPACE : process.cwd();
	const real = realpathSync(start);
	if (start === GITHUB_WORKSPACE) return real;
	for (let directory = real; ; directory = dirname(directory)) {
		if (existsSync(join(directory, ".git"))) return directory;
		if (directory === dirname(directory)) return real;
	}
}

/**
 * Returns the path of a file relative to `directory`, whose links are resolved, with "/" between the names. Returns
 * undefined for a file that is not below the directory. The file need not exist.
 */
export function pathBelow(directory: string, file: string): string | undefined {
	const path = pathWithin(directory, file) ?? pathWithin(directory, withRealDirectory(file));
	return path?.split(sep).join("/");
}

/**
 * Returns the path of a file relative to `directory`, which is empty for the directory itself. Returns undefined for a
 * file that is not within the directory. No links are resolved.
 */
export function pathWithin(directory: string, file: string): string | undefined {
	const path = relative(directory, file);
	return path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path) ? undefined : path;
}

/** Resolves links in the part of the path that exists, but not a link at its end, because that is the file itself. */
function withRealDirectory(file: string): string {
	const directory = dirname(file);
	if (directory === file) return file;
	const name = relative(directory, file);
	try {
		return join(realpathSync(directory), name);
	} catch {
		return join(withRealDirectory(directory), name);
	}
}
