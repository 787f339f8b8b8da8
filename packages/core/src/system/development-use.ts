/** Decides for a whole pipeline if development identities may sign and be trusted. */

import { quote, SigtoolError } from "../errors.js";

export type DevelopmentUse = "allow" | "refuse";

/** The environment variable by which a pipeline refuses development identities. */
export const DEVELOPMENT_VARIABLE = "SIGTOOL_DEVELOPMENT";

/** Everything that can refuse development identities, for messages. */
export const DEVELOPMENT_REFUSERS = `--no-development, ${DEVELOPMENT_VARIABLE}=refuse or the project's configuration`;

/**
 * Returns the value of SIGTOOL_DEVELOPMENT, or `allow` if it is not set.
 * @throws ERR_CONFIG for any other value, because a misspelt value would otherwise allow what its author wanted to
 * refuse. The empty value is refused too, because a pipeline sets it if it has no value for its own variable.
 */
export function developmentUse(): DevelopmentUse {
	const value = process.env[DEVELOPMENT_VARIABLE];
	if (value === undefined || value === "allow") return "allow";
	if (value === "refuse") return "refuse";
	const mistake = value === "" ? "or unset it: it is empty" : `not ${quote(value)}`;
	throw new SigtoolError("ERR_CONFIG", `Set ${DEVELOPMENT_VARIABLE} to refuse or allow, ${mistake}`);
}

/** @throws ERR_DEVELOPMENT_REFUSED unless development identities may sign */
export function requireDevelopmentUse(use: DevelopmentUse): void {
	if (use === "allow") return;
	const message =
		`Cannot sign with a development identity: ${DEVELOPMENT_REFUSERS} forbids it; ` +
		"name a release key, e.g. with --key and --cert";
	throw new SigtoolError("ERR_DEVELOPMENT_REFUSED", message);
}
