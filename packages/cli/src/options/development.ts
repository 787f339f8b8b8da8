/** Decides whether development identities may sign and be trusted: by --no-development, else by SIGTOOL_DEVELOPMENT. */

import { type DevelopmentUse, developmentUse } from "@sigtool/core";

export interface DevelopmentOptions {
	/** False with --no-development. */
	readonly development?: boolean;
}

/** @throws ERR_CONFIG for another value of SIGTOOL_DEVELOPMENT than `refuse` or `allow` */
export function developmentOf({ development }: DevelopmentOptions): DevelopmentUse {
	const configured = developmentUse();
	return development === false ? "refuse" : configured;
}

/** The note about a signature by this user's development identity. It is printed even with --quiet. */
export const SIGNED_BY_DEVELOPMENT = "signed with this machine's development identity; other machines do not trust it";
