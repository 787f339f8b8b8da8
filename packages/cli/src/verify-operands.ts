/**
 * Runs `verify` without options, and without commander. Loading that parser takes half as long as verifying a small
 * file, and scripts verify everything that they start.
 */

import type { VerifyCommandOptions } from "./commands/verify/verify-options.js";
import { type ExitStatus, printFailure, printReport } from "./output/output.js";

/** The options that commander returns if none is given. */
export const NO_OPTIONS: VerifyCommandOptions = {
	profile: "default",
	ignore: true,
	development: true,
};

/** Tells whether the arguments are `verify` and operands only. */
export function isBareVerify([name, ...operands]: readonly string[]): boolean {
	return name === "verify" && operands.length > 0 && !operands.some((operand) => operand.startsWith("-"));
}

/** Does what `run` of program.ts does, for arguments that `isBareVerify` accepts. */
export async function runBareVerify([name, ...operands]: readonly string[]): Promise<ExitStatus> {
	try {
		const { verify } = await import("./commands/verify/verify.js");
		return printReport(name, await verify(operands, NO_OPTIONS), NO_OPTIONS);
	} catch (error) {
		return printFailure(name, error, NO_OPTIONS);
	}
}
