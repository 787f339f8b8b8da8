/** Asks dpkg which packages own files. */

import { spawnSync } from "node:child_process";

/** The most files that dpkg is asked about. More would not tell more packages, because they change together. */
const MAX_FILES = 512;
/** The files of one question, whose paths have at most 4 KiB each, so that the arguments stay below the kernel's limit. */
const FILES_AT_ONCE = 128;

/**
 * Returns the package of each file that dpkg knows, by the file's path. Bytecode belongs to the package of its source,
 * because packages make it after their installation. Returns nothing where there is no dpkg.
 */
export function owningPackages(files: readonly string[]): ReadonlyMap<string, string> {
	const known = new Map<string, string>();
	const asked = new Map(files.slice(0, MAX_FILES).map((file) => [file, sourceOf(file)]));
	const paths = [...new Set(asked.values())];
	for (let first = 0; first < paths.length; first += FILES_AT_ONCE) {
		ask(paths.slice(first, first + FILES_AT_ONCE), known);
	}
	return new Map(
		[...asked].flatMap(([file, path]) => {
			const name = known.get(path);
			return name === undefined ? [] : [[file, name] as const];
		}),
	);
}

function sourceOf(file: string): string {
	return file.replace(/\/__pycache__\/([^/]+)\.cpython-\w+(?:\.opt-\w+)?\.pyc$/, "/$1.py");
}

/**
 * Adds to `known` the packages that own these paths. dpkg-query prints `PACKAGE[, PACKAGE]…: PATH` for each path, and
 * other lines for diversions.
 */
function ask(paths: readonly string[], known: Map<string, string>): void {
	// dpkg-query takes paths as patterns, in which a backslash makes the next character an ordinary one.
	const patterns = paths.map((path) => path.replace(/[*?[\]\\]/g, "\\$&"));
	const env = { PATH: process.env.PATH, LC_ALL: "C.UTF-8" };
	const { stdout } = spawnSync("dpkg-query", ["--search", "--", ...patterns], {
		encoding: "utf8",
		env,
		timeout: 60_000,
	});
	for (const line of (stdout ?? "").split("\n")) {
		const colon = line.indexOf(": /");
		if (colon > 0 && !/^(local )?diversion /.test(line)) known.set(line.slice(colon + 2), line.slice(0, colon));
	}
}
