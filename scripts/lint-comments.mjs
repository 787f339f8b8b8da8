/**
 * Refuses comments that begin with What, Whether, Of, By, As or That: such a comment is a fragment, which a reader has
 * to complete from the code. CONTRIBUTING.md says how a comment must be.
 *
 * Usage: `node scripts/lint-comments.mjs [FOLDER]`; by default the repository. The exit status is 1 if there is such a
 * comment.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const listed = spawnSync("git", ["ls-files", "-z", "*.ts", "*.mjs", "*.c", "*.h"], { cwd: folder, encoding: "utf8" });
/** Matches the beginning of a comment whose first word is refused, at the beginning of a line or after code. */
const COMMENT = /(?:^|[;,{}()]|\S )[ \t]*(?:\/\*\*?|\/\/)[ \t]*(?:\n[ \t]*\*?[ \t]*)?(What|Whether|Of|By|As|That)\b/gm;

let count = 0;
for (const file of listed.stdout.split("\0").filter((name) => name !== "" && name !== "scripts/test/lint.test.ts")) {
	const source = readFileSync(join(folder, file), "utf8");
	for (const match of source.matchAll(COMMENT)) {
		// In a comment of several lines with //, only the first line is checked.
		const before = source.slice(0, match.index).trimEnd();
		const previous = before.slice(before.lastIndexOf("\n") + 1).trim();
		if (match[0].includes("//") && match[0].trimStart().startsWith("//") && previous.startsWith("//")) continue;
		const line = source.slice(0, match.index + match[0].length).split("\n").length;
		console.error(
			`${file}:${line}: this comment begins with "${match[1]}": write a sentence with a subject and a verb`,
		);
		count++;
	}
}
if (count > 0) process.exitCode = 1;
