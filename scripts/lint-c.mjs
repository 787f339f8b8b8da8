/**
 * Checks the format of every C file against `.clang-format`, in this repository or in the folder that is given. With
 * `--write` it formats the files.
 *
 * Other major versions of clang-format break lines at other places, so only version MAJOR is used. If it is missing,
 * the check is skipped with a message, except in CI, where the check then fails.
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAJOR = 19;
const [given] = process.argv.slice(2).filter((argument) => argument !== "--write");
const workspace = given ?? fileURLToPath(new URL("..", import.meta.url));

const formatter = [`clang-format-${MAJOR}`, "clang-format"].find((program) =>
	run(program, ["--version"]).stdout?.includes(` version ${MAJOR}.`),
);
if (formatter === undefined) {
	console.log(`skipped: the format of C files (clang-format ${MAJOR} is not installed)`);
	if (process.env.CI) process.exitCode = 1;
} else {
	const files = run("git", ["ls-files", "-z", "*.c", "*.h"]).stdout.split("\0").filter(Boolean);
	const mode = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "-Werror"];
	const { status, stderr } = run(formatter, ["--style=file", ...mode, ...files]);
	process.stderr.write(stderr);
	process.exitCode = status ?? 1;
}

function run(program, args) {
	return spawnSync(program, args, { cwd: workspace, encoding: "utf8", maxBuffer: 1 << 26 });
}
