/** Finds the sources of parts. Paths are relative to this folder. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the sources. */
export const NATIVE = fileURLToPath(new URL(".", import.meta.url));

/**
 * Returns all sources of these rooms, and those of other rooms whose headers they include, directly or by other files. The
 * source of a header has its name and lies beside it.
 *
 * @param {...string} rooms
 */
export function sourcesOf(...rooms) {
	const found = new Set(rooms.flatMap(filesIn));
	for (const file of found) {
		for (const header of headersOf(file)) {
			for (const each of [header, header.replace(/h$/, "c")]) if (existsSync(join(NATIVE, each))) found.add(each);
		}
	}
	return [...found].sort();
}

/** Returns the headers of ours that a file includes. */
function headersOf(/** @type {string} */ file) {
	const text = readFileSync(join(NATIVE, file), "utf8");
	return [...text.matchAll(/^#include "(.+)"$/gm)].map(([, header]) => join(dirname(file), header));
}

function filesIn(/** @type {string} */ room) {
	const names = readdirSync(join(NATIVE, room)).filter((name) => /\.[ch]$/.test(name));
	return names.map((name) => join(room, name));
}
