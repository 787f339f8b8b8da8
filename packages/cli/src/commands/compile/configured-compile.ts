/** Adds the project's configuration to the operands and options of `compile`. Options that the user gave win. */

import { quote } from "@sigtool/core/internal/errors";
import { type ProjectConfiguration, projectConfiguration } from "../../configuration/configuration.js";
import { refuseOtherWriters } from "../../configuration/other-writers.js";
import { keySettings, pathOf, present } from "../../configuration/settings.js";
import { signedTarget } from "../../configuration/signed-target.js";
import { refuseOtherCatalogs, trustSettings, verifiedTrees } from "../../configuration/trust.js";
import { namesKey } from "../../options/signer-options.js";
import { nothingNamed } from "../../options/usage.js";
import type { CompileCommandOptions } from "./compile-options.js";

export interface ConfiguredCompile {
	readonly directories: readonly string[];
	readonly options: CompileCommandOptions;
	readonly configuration?: ProjectConfiguration;
	/** The user has to know what a configuration that was found decided. */
	readonly notes: readonly string[];
}

/**
 * Without operands, the configuration says what is compiled and how. With operands it says how, and only if it was
 * named. It decides whom to trust only within the limits of `trustSettings`.
 * @throws ERR_USAGE if nothing says what to compile; ERR_CONFIG; the errors of `signedTarget`
 */
export async function configuredCompile(
	given: readonly string[],
	options: CompileCommandOptions,
): Promise<ConfiguredCompile> {
	const { adopt = [], adoptPackage = [] } = options;
	const isGiven = given.length > 0 || adopt.length > 0 || adoptPackage.length > 0;
	const configuration = await projectConfiguration(options);
	if (configuration === undefined) {
		if (!isGiven) throw nothingNamed("compile");
		return { directories: given, options, notes: [] };
	}
	const isFound = configuration.origin === "found";
	if (isFound) refuseOtherWriters(configuration.file);
	const { product, policy, timestamp, timestampTrust } = configuration.members;
	const target = isGiven ? { paths: given, catalogs: options.catalog } : await signedTarget(configuration);
	const catalog = options.catalog ?? target.catalogs;
	const trees = [...verifiedTrees(target.paths, { catalogs: catalog }), ...verifiedTrees(adopt, { catalogs: [] })];
	if (options.catalog === undefined) refuseOtherCatalogs(configuration, trees, catalog);
	// The command compares whole trees in any case, and has no option for added or large files.
	const { added: _, maxSize: __, tsaTrust: ___, ...trust } = trustSettings(configuration, trees);
	const isSigned = options.unsigned !== true;
	const stamps = isSigned && options.timestamp === undefined ? timestamp : undefined;
	return {
		directories: target.paths,
		configuration,
		options: {
			...trust,
			...(isSigned && !namesKey(options) ? keySettings(configuration) : {}),
			...present({
				catalog,
				product: isGiven ? undefined : product,
				policy: policy === undefined ? undefined : [pathOf(configuration, policy)],
				timestamp: stamps,
				tsaTrust: stamps && timestampTrust?.map((path) => pathOf(configuration, path)),
			}),
			...present(options),
			narrowing: options.trust === undefined ? trust.narrowing : undefined,
			trustFrom: options.trust === undefined ? trust.trustFrom : undefined,
		},
		notes:
			isFound && !isGiven
				? [
						`${quote(pathOf(configuration, configuration.file))} says what is compiled: ${target.paths.map(quote).join(" and ")}`,
					]
				: [],
	};
}
