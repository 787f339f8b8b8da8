/**
 * `pnpm sigtool …`: the built command line, in the folder the person stands in. pnpm starts scripts in the workspace's
 * own folder and leaves that other one in INIT_CWD. The command line runs in this process, so that standard input,
 * signals and the exit status are its own.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../packages/cli/dist/main.cjs", import.meta.url);
if (existsSync(main)) {
	if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
	process.argv[1] = fileURLToPath(main);
	await import(main.href);
} else {
	console.error("Cannot start sigtool: it is not built; run `pnpm build`");
	process.exitCode = 2;
}
