/**
 * The entry point of `node --require @sigtool/verifier/register app.js`, which the launcher uses too. It is bundled
 * into one file that imports only from Node.js. Every failure ends the process before the program begins.
 */

import { statusOf } from "../../monitor/monitor.js";
import { writeSync } from "../../safe/primordials.js";
import { exitProcess, start } from "./start.js";

/**
 * The bundler sets this value. In register-development.cjs it is `allow`, which accepts signatures of a development
 * identity.
 */
declare const SIGTOOL_DEVELOPMENT: "refuse" | "allow";

try {
	start(SIGTOOL_DEVELOPMENT);
} catch (error) {
	try {
		// If the value is no Error, code and message may be undefined, which does no harm.
		const { code, message } = error as { code?: string; message?: string };
		writeSync(2, `sigtool: ${code ?? "ERR_INTERNAL"}: ${message ?? String(error)}\n`);
	} finally {
		exitProcess(statusOf(error));
	}
}
