/** Writes generated files. One whose content does not differ keeps its times, so that a build after it does nothing. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes the files of a folder, by their names, and removes the others in it. */
export function writeFolder(folder, texts) {
	mkdirSync(folder, { recursive: true });
	for (const file of readdirSync(folder)) if (!texts.has(file)) rmSync(join(folder, file));
	for (const [file, text] of texts) writeIfChanged(join(folder, file), text);
}

export function writeIfChanged(file, text) {
	mkdirSync(dirname(file), { recursive: true });
	if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
