import type { Mode } from "@sigtool/core";
import type { OutputOptions } from "../../output/output.js";

export interface RunCommandOptions extends OutputOptions {
	readonly index?: string;
	readonly catalog?: readonly string[];
	readonly mode?: Mode;
	readonly write?: readonly string[];
	readonly envClear?: boolean;
	readonly allowDevelopment?: boolean;
	readonly prefix: string;
	/**
	 * True if the script is started with the spython, whatever its name is. A module is always started with the spython.
	 */
	readonly python?: boolean;
	/** True if `script` is the name of a Python module. */
	readonly module?: boolean;
	readonly spython?: string;
}
