/**
 * Decides whether development identities may sign and be trusted: --no-development, SIGTOOL_DEVELOPMENT or the project's
 * configuration can refuse them.
 */

import { type DevelopmentUse, developmentUse } from "@sigtool/core";
import { projectConfiguration } from "./project.js";

export interface DevelopmentOptions {
	/** False if --no-development was given. */
	readonly development?: boolean;
}

/**
 * @throws ERR_CONFIG for another value of SIGTOOL_DEVELOPMENT than `refuse` or `allow`, and as `projectConfiguration`
 */
export function developmentOf({ development }: DevelopmentOptions): DevelopmentUse {
	const inEnvironment = developmentUse();
	const inProject = projectConfiguration()?.development;
	return development === false ? "refuse" : (inProject ?? inEnvironment);
}

/** The note about a signature by this user's development identity. It is printed even with --quiet. */
export const SIGNED_BY_DEVELOPMENT = "signed with this machine's development identity; other machines do not trust it";
