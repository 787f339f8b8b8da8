/**
 * Writes docs/reference/errors.md from the tables in packages/core/src/error-codes.ts and error-help.ts. With `--check`,
 * writes nothing, and fails if the file is stale. The texts come from the built tables. The groups come from the
 * comments between the lines of error-codes.ts.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERROR_CODES } from "../packages/core/dist/error-codes.js";
import { ERROR_HELP } from "../packages/core/dist/error-help.js";

const target = fileURLToPath(new URL("../docs/reference/errors.md", import.meta.url));
const source = readFileSync(new URL("../packages/core/src/error-codes.ts", import.meta.url), "utf8");
const text = document(groupsOf(source));

if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
	console.error(
		"docs/reference/errors.md is older than error-codes.ts or error-help.ts: run `pnpm docs:errors` and commit it",
	);
	process.exitCode = 1;
}

/** Maps each group name to its codes, in the order of the source. */
function groupsOf(typescript) {
	const groups = new Map();
	let codes = [];
	for (const [, group, code] of typescript.matchAll(/^\t(?:\/\/ (.+)|(ERR_\w+): \[)/gm)) {
		if (code !== undefined) codes.push(code);
		else {
			codes = [];
			groups.set(group, codes);
		}
	}
	const found = [...groups.values()].flat();
	if (found.join() !== Object.keys(ERROR_CODES).join())
		throw new Error("Cannot read the groups of error-codes.ts: not one code a line");
	return groups;
}

function document(groups) {
	const sections = [...groups].map(([group, codes]) => `## ${group}\n\n${codes.map(entry).join("\n")}`);
	return `# Error codes

<!-- Generated from packages/core/src/error-codes.ts and error-help.ts by \`pnpm docs:errors\`. -->

For people who have an error and look up what it means, and for programs that act on a code. Every error of sigtool is a
\`SigtoolError\` with one of these codes. The code is in \`error.code\`, before the message on standard error, and in \`--json\`. A code
keeps its meaning. New codes may be added.

| exit status of the command line | meaning |
| --- | --- |
| 0 | trusted, or done |
| 1 | verification failed, or the files cannot be signed |
| 2 | an error of usage or configuration |
| 3 | sigtool could not decide |
| 130 | interrupted |

\`sigtool explain ERR_FILE_MODIFIED\` prints what this page says about one code.

${sections.join("\n")}`;
}

function entry(code) {
	const [status, meaning] = ERROR_CODES[code];
	const { why, remedy } = ERROR_HELP[code];
	return `### ${code}\n\nExit status ${status}. ${meaning}\n\n- Why: ${why}\n- What to do: ${remedy}\n`;
}
