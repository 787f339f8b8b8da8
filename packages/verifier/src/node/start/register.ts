/**
 * The entry of `node --require @sigtool/verifier/register app.js`, and of the launcher: bundled into one file without
 * imports but those of Node.js. Whatever goes wrong ends the process before the program has begun.
 */

import { REFUSED_STATUS } from "../../gate/gate.js";
import { writeSync } from "../../safe/primordials.js";
import { exitProcess, start } from "./start.js";

/** Set by the bundler: `allow` in register-development.cjs, which also takes what a development identity signed. */
declare const SIGTOOL_DEVELOPMENT: "refuse" | "allow";

try {
	start(SIGTOOL_DEVELOPMENT);
} catch (error) {
	try {
		const { code, message } = error as { code?: string; message?: string }; // Whatever it was, undefined does no harm.
		writeSync(2, `sigtool: ${code ?? "ERR_INTERNAL"}: ${message ?? String(error)}\n`);
	} finally {
		exitProcess(REFUSED_STATUS);
	}
}
