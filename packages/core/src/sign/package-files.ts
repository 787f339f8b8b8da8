/**
 * Finds signed files that package managers change on the way to a user: npm, pnpm, Yarn and bun give the programs of a
 * package (`bin`, `directories.bin`) the mode 755, and npm and bun end their first line with LF. Every user would then
 * see a difference, and the publisher never. Only the package of the signed directory counts, not the packages in it.
 */

import { dirname, join, posix, relative } from "node:path";
import { quote, SigtoolError, shell } from "../errors.js";
import { EXECUTE_AND_SET_ID } from "../fileset/compare/compare.js";
import { ENTRY_KIND, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { entryPathOf } from "../fileset/paths/locate-catalogs.js";
import { exists, lstatIfThere } from "../system/look-up.js";
import { openPieces, readBounded } from "../system/read-file.js";

/** The manifest of a package that can be published: it has a name and a version. */
interface Package {
	readonly directory: string;
	readonly manifest: Readonly<Record<string, unknown>>;
}

/** Returns the directory of the package of which this directory is a part, or undefined if it is of none. */
export function packageDirectoryOf(root: string): string | undefined {
	return packageOf(root)?.directory;
}

/**
 * Returns a problem for each signed file that a package manager changes. `packed` has the files of the package, relative
 * to its directory, if they are known: then a file that is left out of it is a problem too.
 */
export function packageProblems(manifest: Manifest, packed?: readonly string[]): SigtoolError[] {
	const found = packageOf(manifest.root);
	if (found === undefined) return [];
	const isProgram = programsOf(found.manifest);
	if (isProgram === undefined && packed === undefined) return [];
	const kept = packed && new Set(packed);
	const prefix = entryPathOf(found.directory, manifest.root);
	const problems: SigtoolError[] = [];
	for (let row = 0; row < manifest.count; row++) {
		const path = entryPathAt(manifest, row);
		const file = join(manifest.root, path);
		const inPackage = prefix === "" ? path : `${prefix}/${path}`;
		const isLink = manifest.kinds[row] === ENTRY_KIND.link;
		const reason =
			kept?.has(inPackage) === false
				? leftOut(path, isLink)
				: isLink
					? undefined
					: changed(file, manifest.modes[row], isProgram?.(inPackage) === true, packed !== undefined);
		if (reason === undefined) continue;
		problems.push(
			new SigtoolError("ERR_PACKED_FILE", `Cannot sign ${quote(path)}: ${reason}`, { path, root: manifest.root }),
		);
	}
	return problems;
}

function leftOut(path: string, isLink: boolean): string {
	if (isLink) return "npm leaves symbolic links out of the package; --links follow signs files in their place";
	const pattern = shell`--exclude ${`/${path.replace(/[\\*?[\]! ]/g, "\\$&")}`}`;
	return `npm leaves it out of the package, by "files" of package.json, an ignore file, or always; leave it out here too with \`${pattern}\``;
}

/** Returns how a package manager changes the file, and what to do, or undefined if it does not. */
function changed(file: string, mode: number, isProgram: boolean, isPacked: boolean): string | undefined {
	const hasModes = process.platform !== "win32";
	const shown = relative("", file);
	const octal = mode.toString(8);
	if (isProgram) {
		if (hasModes && (mode & EXECUTE_AND_SET_ID) !== 0o111)
			return `package.json names it as a program, which is installed with mode 755, not ${octal}; run \`${shell`chmod 755 ${shown}`}\``;
		if (hasWindowsHashbang(file))
			return `package.json names it as a program, in whose first line npm replaces CRLF by LF; write it with LF`;
	} else if (isPacked && hasModes && ![0, 0o111].includes(mode & EXECUTE_AND_SET_ID)) {
		return `package managers install it with mode 644 or 755, not ${octal}; run \`${shell`chmod 755 ${shown}`}\`, or \`${shell`chmod 644 ${shown}`}\``;
	}
	return undefined;
}

/** Reads as npm does (bin-links): a first line that begins with `#!` and ends with CRLF within 2048 bytes. */
function hasWindowsHashbang(file: string): boolean {
	const pieces = openPieces(file, Number.MAX_SAFE_INTEGER);
	try {
		const beginning = Buffer.alloc(Math.min(2048, pieces.sizeBytes));
		pieces.copy(beginning, 0, 0, beginning.length);
		return /^#![^\n]+\r\n/.test(beginning.toString("latin1"));
	} finally {
		pieces.close();
	}
}

/** Returns a function that knows the programs by their paths in the package, or undefined if it has none. */
function programsOf({ bin, directories }: Package["manifest"]): ((path: string) => boolean) | undefined {
	// With `bin`, package managers do not look at `directories.bin`.
	if (bin) {
		const named: readonly unknown[] = typeof bin === "string" ? [bin] : Object.values(bin);
		const paths = new Set(named.flatMap((path) => (typeof path === "string" ? [normalized(path)] : [])));
		return paths.size === 0 ? undefined : (path) => paths.has(path);
	}
	const directory = isObject(directories) ? directories.bin : undefined;
	if (typeof directory !== "string") return undefined;
	const beginning = normalized(`${directory}/`);
	return (path) => path.startsWith(beginning) && !/(^|\/)\./.test(path.slice(beginning.length));
}

/** A path of package.json cannot lead out of the package, and a backslash in it separates names. */
function normalized(path: string): string {
	return posix.join("/", path.replaceAll("\\", "/")).slice(1);
}

/**
 * Returns the nearest package at or above a directory. A private one does not count, because nobody publishes it. A
 * directory above to which everyone may write, such as /tmp, is no package: another user could have made it one.
 */
function packageOf(root: string): Package | undefined {
	for (let directory = root; ; directory = dirname(directory)) {
		const { mode = 0 } = lstatIfThere(directory) ?? {};
		if (directory !== root && process.platform !== "win32" && (mode & 0o002) !== 0) return undefined;
		const manifest = manifestIn(directory);
		if (typeof manifest?.name === "string" && typeof manifest.version === "string")
			return manifest.private === true ? undefined : { directory, manifest };
		if (directory === dirname(directory)) return undefined;
	}
}

/** Returns undefined for a file that no package manager could read either. */
function manifestIn(directory: string): Readonly<Record<string, unknown>> | undefined {
	const file = join(directory, "package.json");
	if (!exists(file)) return undefined;
	try {
		// Package managers take a byte order mark, and so does TextDecoder.
		const value: unknown = JSON.parse(new TextDecoder().decode(readBounded(file, MAX_MANIFEST_BYTES)));
		return isObject(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

const MAX_MANIFEST_BYTES = 2 ** 20;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
