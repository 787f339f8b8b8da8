/**
 * Runs `verify` without options and without commander, the parser of the command line. To load commander takes half as
 * long as to verify a small file, and some scripts call `verify` before each program that they start.
 */

import type { VerifyCommandOptions } from "./commands/verify/verify-options.js";
import { expandPaths } from "./options/operands.js";
import { endIfInterrupted } from "./output/interruption.js";
import { type ExitStatus, printFailure, printReport } from "./output/output.js";

/** The options that commander returns for `verify` if the user gives none. */
export const NO_OPTIONS: VerifyCommandOptions = {
	profile: "default",
	ignore: true,
	development: true,
};

/** Returns true if the arguments are `verify` and operands, or `verify` alone, without options. */
export function isBareVerify([name, ...operands]: readonly string[]): boolean {
	return name === "verify" && !operands.some((operand) => operand.startsWith("-"));
}

/** Runs `verify` as `run` of program.ts does. The arguments must be such that `isBareVerify` returns true. */
export async function runBareVerify([name, ...operands]: readonly string[]): Promise<ExitStatus> {
	try {
		const { verify } = await import("./commands/verify/verify.js");
		return printReport(name, await verify(await expandPaths(operands), NO_OPTIONS), NO_OPTIONS);
	} catch (error) {
		await endIfInterrupted(error);
		return printFailure(name, error, NO_OPTIONS);
	}
}
