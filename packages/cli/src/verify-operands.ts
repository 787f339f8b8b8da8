/**
 * Verifying with operands alone. There is nothing to parse, and the parser of options takes half as long to load as
 * verifying a small file does; scripts do so before everything they start.
 */

import type { VerifyCommandOptions } from "./commands/verify/verify-options.js";
import { type ExitStatus, printFailure, printReport } from "./output/output.js";

/** What the parser makes of no options. */
export const NO_OPTIONS: VerifyCommandOptions = {
	profile: "default",
	ignore: true,
};

/** Whether the words are `verify` and operands. */
export function isPlain([name, ...operands]: readonly string[]): boolean {
	return name === "verify" && operands.length > 0 && !operands.some((word) => word.startsWith("-"));
}

/** As `run` of program.ts, for words that are plain. */
export async function runPlain([name, ...operands]: readonly string[]): Promise<ExitStatus> {
	try {
		const { verify } = await import("./commands/verify/verify.js");
		return printReport(name, await verify(operands, NO_OPTIONS), NO_OPTIONS);
	} catch (error) {
		return printFailure(name, error, NO_OPTIONS);
	}
}
