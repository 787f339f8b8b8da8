/**
 * Decides whether development identities may sign and be trusted. --no-development, SIGTOOL_DEVELOPMENT and the
 * project's configuration can each refuse them.
 */

import type { DevelopmentUse } from "@sigtool/core";
import { developmentUse } from "@sigtool/core/internal";
import { type ConfigurationOptions, projectConfiguration } from "../configuration/configuration.js";

export interface DevelopmentOptions extends ConfigurationOptions {
	/** The value is false if --no-development was given. */
	readonly development?: boolean;
}

/**
 * Returns `refuse` if one of the three sources refuses development identities.
 * @throws ERR_CONFIG if SIGTOOL_DEVELOPMENT has another value than `refuse` or `allow`; the errors of
 * `projectConfiguration`
 */
export async function developmentOf({ development, ...options }: DevelopmentOptions): Promise<DevelopmentUse> {
	const inEnvironment = developmentUse();
	const inProject = (await projectConfiguration(options))?.members.development;
	return development === false ? "refuse" : (inProject ?? inEnvironment);
}

/** The note after a signature by this user's development identity. It is printed even with --quiet. */
export const SIGNED_BY_DEVELOPMENT = "signed with this machine's development identity; other machines do not trust it";
