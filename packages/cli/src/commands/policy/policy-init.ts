import type { Mode } from "@sigtool/core";
import { outputFile, writeAtomically } from "@sigtool/core/internal";
import { COMMAND, shell } from "@sigtool/core/internal/errors";
import { existingOutput, outputExists } from "../../options/output-exists.js";
import { requireOutputName } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface PolicyInitOptions extends OutputOptions {
	readonly output: string;
	readonly mode: Mode;
	readonly force?: boolean;
}

/** @throws the errors of `writePolicy` */
export async function policyInit({ output, mode, force }: PolicyInitOptions): Promise<Report> {
	writePolicy(output, { version: 1, mode }, force);
	return {
		exit: 0,
		fields: { policy: output, mode },
		lines: [
			`wrote ${escaped(output)}`,
			...rows([
				["mode", mode],
				["next", `compile an index with it: \`${shell`${COMMAND} compile --policy ${output}`}\``],
				["then", `run the program, and learn from its events: \`${COMMAND} policy learn\``],
			]),
		],
	};
}

/**
 * Writes a policy as people edit it.
 * @throws ERR_OUTPUT_EXISTS if the file exists and `force` is not true; ERR_USAGE, ERR_IO
 */
export function writePolicy(output: string, policy: object, force: boolean | undefined): void {
	requireOutputName(output);
	if (force !== true && outputExists(output)) throw existingOutput(output, "it exists; --force replaces it");
	writeAtomically(outputFile(output), Buffer.from(`${JSON.stringify(policy, null, "\t")}\n`));
}
