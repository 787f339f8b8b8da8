/**
 * Names sigtool where V8 has refused text as code. Without the native gate only a flag of V8 refuses such text, and V8's
 * error says neither who set the flag nor how to allow the text. So a program that ends by this error gets a line before it.
 */

import process from "node:process";
import type { Mode } from "@sigtool/core/read";
import { STANDARD_ERROR, writeFully } from "../../audit/sinks.js";
import { refusingRule } from "../../monitor/policy-rules.js";

/** Prepares the line. A program that catches the error gets none. */
export function nameRefusedStrings(mode: Mode): void {
	process.on("uncaughtExceptionMonitor", (error: unknown) => {
		try {
			if (!(error instanceof EvalError) || error.message !== MESSAGE_OF_V8) return;
			writeFully(
				STANDARD_ERROR,
				`sigtool: ERR_RUNTIME_RULE: Cannot go on with code.string (kind "eval"): ${refusingRule("code.string", mode)}\n`,
			);
		} catch {
			// The program may have changed what this needs. It ends with V8's own message then.
		}
	});
}

const MESSAGE_OF_V8 = "Code generation from strings disallowed for this context";
