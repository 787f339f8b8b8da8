/**
 * Refuses a command in a message that has a value which the tag `shell` of packages/core/src/errors.ts did not quote. A
 * person pastes such a command to a shell, and the value may be a name that somebody else chose, such as `$(rm -r ~)`.
 *
 * Usage: `node scripts/lint-commands.mjs [FOLDER]`; by default the repository. The exit status is 1 if there is such a
 * command.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const listed = spawnSync("git", ["ls-files", "-z", "packages/*/src/**.ts"], { cwd: folder, encoding: "utf8" });

/** Matches a value other than a constant, whose name has capital letters alone, or than a command in a template. */
const VALUE = "\\$\\{(?!shell$|[A-Z][A-Z_]*\\})";
const PROGRAMS = "cat|cd|chmod|chown|cp|kill|ln|mkdir|mv|openssl|rm|setfattr|sudo|systemctl|tar|umount";
/** Match a command or its beginning in a template, up to a value. */
const COMMANDS = [
	new RegExp(`\\$\\{COMMAND\\} [^\\n:]*? ${VALUE}`),
	new RegExp(`(?:^|[ (])--?[a-z][a-z-]*[ =]${VALUE}`),
	new RegExp(`(?:^|\\()(?:${PROGRAMS}) [^\\n]*?${VALUE}`),
];

for (const file of listed.stdout.split("\0").filter((name) => name !== "")) {
	const source = readFileSync(join(folder, file), "utf8");
	let line = 1;
	let isQuoted = false;
	// An escaped backtick in a template begins or ends a command. The other backticks begin or end templates.
	for (const [piece, text] of source.matchAll(/((?:[^`\\]|\\.)*)`?/gs)) {
		const spans = isQuoted ? [] : text.split("\\`");
		for (const span of spans) {
			if (COMMANDS.some((pattern) => pattern.test(span))) {
				console.error(
					`${file}:${line}: write the command by the tag \`shell\`, which quotes its values: ${span.trim()}`,
				);
				process.exitCode = 1;
			}
			line += span.split("\n").length - 1;
		}
		if (isQuoted) line += text.split("\n").length - 1;
		isQuoted = text.endsWith("shell") && piece !== text;
	}
}
