/**
 * Refuses private words in the sources: words that this project made up, or uses in a sense of its own, without an entry
 * in docs/reference/glossary.md. An entry makes such a word public. Tests and pages are not checked. In tests, refuses
 * titles that begin with a number and a colon, which refer to a list that the reader does not have.
 *
 * Usage: `node scripts/lint-words.mjs [FOLDER]`; by default the repository. The exit status is 1 if there is such
 * a word or title.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Maps each word to its forms, in comments and as a part of a name. A word that is found to be private is added. */
const PRIVATE = {
	bequeath: ["bequeaths", "bequeathed"],
	ground: ["grounds"],
	heir: ["heirs"],
	lend: ["lends", "lent", "lendable"],
	mend: ["mends", "mended"],
	standing: [],
	twin: ["twins"],
};
const SOURCES = ["packages/*/src/**.ts", "packages/**.c", "packages/**.h", "packages/**.cc", ":!packages/*/test/**"];

const folder = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const glossary = readFileSync(join(folder, "docs/reference/glossary.md"), "utf8");
const refused = new Map(
	Object.entries(PRIVATE)
		.filter(([word]) => !glossary.includes(`| **${word}**`))
		.flatMap(([word, forms]) => [word, ...forms].map((form) => [form, word])),
);
for (const [place, line] of linesOf(SOURCES)) {
	// These are the words of text, and of names such as `groundsOf`, `MAX_GROUNDS` and `lent_string`.
	for (const [part] of line.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)) {
		const word = refused.get(part.toLowerCase());
		if (word === undefined) continue;
		refuse(`${place}: "${part}" is a private word: take a term of the field, or explain **${word}** in the glossary`);
	}
}
for (const [place, line] of linesOf(["*.test.ts"])) {
	const [, number] = /(?:^\s*|\()["'`](\d[\d., ()]*): /.exec(line) ?? [];
	if (number !== undefined) refuse(`${place}: the title begins with "${number}:": say what the test finds`);
}

/** Yields each line of the files with its place. */
function* linesOf(files) {
	const { stdout } = spawnSync("git", ["ls-files", "-z", ...files], { cwd: folder, encoding: "utf8" });
	for (const file of stdout.split("\0").filter((name) => name !== "")) {
		const lines = readFileSync(join(folder, file), "utf8").split("\n");
		for (const [index, line] of lines.entries()) yield [`${file}:${index + 1}`, line];
	}
}

function refuse(message) {
	console.error(message);
	process.exitCode = 1;
}
