/**
 * Runs the built command line for `pnpm sigtool …` in the user's working directory. pnpm starts scripts in the
 * workspace's folder, and puts the user's directory into INIT_CWD. The command line runs in this process, so that it
 * gets standard input and signals, and sets the exit status.
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
