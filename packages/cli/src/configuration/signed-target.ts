/** Finds what `sign` without operands signs, for the commands that verify it. */

import { resolveSignTarget } from "@sigtool/core/internal";
import type { ProjectConfiguration } from "./configuration.js";
import { pathOf, releaseSettings, signedPaths, verifyingCatalogs } from "./settings.js";

export interface SignedTarget {
	/** The directory or file that the catalog is about. */
	readonly paths: readonly string[];
	/** The parts of the directory that are signed, if not all is. The catalog has to cover each. */
	readonly parts?: readonly string[];
	/** The catalogs to verify against, or undefined if they are found by their names. */
	readonly catalogs: readonly string[] | undefined;
}

/**
 * Returns what a configuration signs, as operands of `verify`. Several paths have one catalog, which is about the
 * deepest directory that contains all of them.
 * @throws ERR_CONFIG if the configuration names no paths; the errors of `resolveSignTarget`
 */
export async function signedTarget(configuration: ProjectConfiguration): Promise<SignedTarget> {
	const { output } = releaseSettings(configuration);
	const paths = await signedPaths(configuration);
	const given = await verifyingCatalogs(configuration);
	if (paths.length === 1 && output === undefined) return { paths, catalogs: given };
	const { root, scope } = resolveSignTarget(paths, { formats: configuration.members.formats, output });
	const isWhole = paths.length === 1 && scope === "root";
	return {
		paths: isWhole ? paths : [pathOf(configuration, root)],
		parts: typeof scope === "string" ? [] : scope,
		catalogs: given ?? (output === undefined ? undefined : [output]),
	};
}
