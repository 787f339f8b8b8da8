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
	 * True if the script is started with the spython even if its name does not end with `.py`. A module is started with
	 * the spython in any case.
	 */
	readonly python?: boolean;
	/** True if `script` is the name of a Python module and not a path. */
	readonly module?: boolean;
	readonly spython?: string;
	/** The Node.js that runs a script, in the place of the one that is found. */
	readonly node?: string;
}
