/**
 * Refuses private words in the sources: words that this project made up, or uses in a sense of its own, without an entry
 * in docs/reference/glossary.md. An entry makes such a word public. Tests and pages are not checked.
 *
 * Usage: `node scripts/lint-words.mjs [FOLDER]`; by default the repository. The exit status is 1 if there is such a word.
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
const listed = spawnSync("git", ["ls-files", "-z", ...SOURCES], { cwd: folder, encoding: "utf8" });
for (const file of listed.stdout.split("\0").filter((name) => name !== "")) {
	for (const [at, line] of readFileSync(join(folder, file), "utf8").split("\n").entries()) {
		// These are the words of text, and of names such as `groundsOf`, `MAX_GROUNDS` and `lent_string`.
		for (const [part] of line.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)) {
			const word = refused.get(part.toLowerCase());
			if (word === undefined) continue;
			console.error(
				`${file}:${at + 1}: "${part}" is a private word: take a term of the field, or explain **${word}** in the glossary`,
			);
			process.exitCode = 1;
		}
	}
}
