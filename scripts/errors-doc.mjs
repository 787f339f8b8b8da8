/**
 * Writes docs/reference/errors.md from the tables in packages/core/src/error-codes.ts and error-help.ts. With `--check`,
 * writes nothing, and fails if the file is stale. The texts come from the built tables. The groups come from the
 * comments between the lines of error-codes.ts.
 */

import { ERROR_CODES } from "../packages/core/dist/error-codes.js";
import { ERROR_HELP } from "../packages/core/dist/error-help.js";
import { groupsOf, writePage } from "./table-page.mjs";

const SOURCE = "packages/core/src/error-codes.ts";
const text = document(groupsOf(SOURCE, /^\t(?:\/\/ (.+)|(ERR_\w+): \[)/gm, ERROR_CODES));
writePage("docs/reference/errors.md", text, `${SOURCE} or error-help.ts`, "docs:errors");

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
