import type { Mode } from "@sigtool/core";
import { outputFile, writeAtomically } from "@sigtool/core/internal";
import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { outputExists } from "../../options/output-exists.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface PolicyInitOptions extends OutputOptions {
	readonly output: string;
	readonly mode: Mode;
	readonly force?: boolean;
}

/** @throws ERR_USAGE if the file exists */
export async function policyInit({ output, mode, force }: PolicyInitOptions): Promise<Report> {
	writePolicy(output, { version: 1, mode }, force);
	return {
		exit: 0,
		fields: { policy: output, mode },
		lines: [
			`wrote ${escaped(output)}`,
			...rows([
				["mode", mode],
				["next", `compile an index with it: \`${COMMAND} compile --policy ${quote(output)}\``],
				["then", `run the program, and learn from its events: \`${COMMAND} policy learn\``],
			]),
		],
	};
}

/** Writes a policy as people edit it. @throws ERR_USAGE if the file exists and `force` is not true */
export function writePolicy(output: string, policy: object, force: boolean | undefined): void {
	requireOutputName(output);
	if (force !== true && outputExists(output))
		throw usageError(`Cannot write ${quote(output)}: it exists; --force replaces it`);
	writeAtomically(outputFile(output), Buffer.from(`${JSON.stringify(policy, null, "\t")}\n`));
}
