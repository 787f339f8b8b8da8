/**
 * Reads the environment variable by which a pipeline decides whether development identities may sign and be trusted.
 */

import { quote, SigtoolError } from "../errors.js";

export type DevelopmentUse = "allow" | "refuse";

/** The environment variable by which a pipeline refuses development identities. */
const DEVELOPMENT_VARIABLE = "SIGTOOL_DEVELOPMENT";

/** The text by which error messages name everything that can refuse development identities. */
export const DEVELOPMENT_REFUSERS = `--no-development, ${DEVELOPMENT_VARIABLE}=refuse or the project's configuration`;

/**
 * Returns the value of SIGTOOL_DEVELOPMENT, or `allow` if the variable is not set.
 * @throws ERR_CONFIG for any other value, because a misspelt `refuse` must not have the effect of `allow`. The empty
 * value is refused too, because many pipelines set a variable to the empty text when its value is missing.
 */
export function developmentUse(): DevelopmentUse {
	const value = process.env[DEVELOPMENT_VARIABLE];
	if (value === undefined || value === "allow") return "allow";
	if (value === "refuse") return "refuse";
	const mistake = value === "" ? "or unset it: it is empty" : `not ${quote(value)}`;
	throw new SigtoolError("ERR_CONFIG", `Set ${DEVELOPMENT_VARIABLE} to refuse or allow, ${mistake}`);
}

/** Throws unless development identities may sign. @throws ERR_DEVELOPMENT_REFUSED */
export function requireDevelopmentUse(use: DevelopmentUse): void {
	if (use === "allow") return;
	const message =
		`Cannot sign with a development identity: ${DEVELOPMENT_REFUSERS} forbids it; ` +
		"name a release key, e.g. with --key and --cert";
	throw new SigtoolError("ERR_DEVELOPMENT_REFUSED", message);
}
