/** Adds the project's configuration to the operands and options of `verify`. Options that the user gave win. */

import { isSignatureFormat } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";
import { type ProjectConfiguration, projectConfiguration } from "../../configuration/configuration.js";
import { refuseOtherWriters } from "../../configuration/other-writers.js";
import { pathOf, present } from "../../configuration/settings.js";
import { type SignedTarget, signedTarget } from "../../configuration/signed-target.js";
import { refuseOtherCatalogs, type TrustSettings, trustSettings, verifiedTrees } from "../../configuration/trust.js";
import { nothingNamed } from "../../options/usage.js";
import type { VerifyCommandOptions } from "./verify-options.js";

export interface ConfiguredVerify {
	readonly paths: readonly string[];
	readonly options: VerifyCommandOptions;
	readonly configuration?: ProjectConfiguration;
	/** The user has to know what a configuration that was found decided. */
	readonly notes: readonly string[];
}

/**
 * Without operands, the configuration says what is verified and how. With operands it says how, and only if it was
 * named. It decides whom to trust only within the limits of `trustSettings`.
 * @throws ERR_USAGE if nothing says what to verify; ERR_CONFIG; the errors of `signedTarget`
 */
export async function configuredVerify(
	given: readonly string[],
	options: VerifyCommandOptions,
): Promise<ConfiguredVerify> {
	const configuration = await projectConfiguration(options);
	if (configuration === undefined) {
		if (given.length === 0) throw nothingNamed("verify");
		return { paths: given, options, notes: [] };
	}
	const isFound = configuration.origin === "found";
	if (isFound) refuseOtherWriters(configuration.file);
	const formats = options.format ?? configuration.members.formats ?? ["cat"];
	const hasCatalogs = formats.includes("cat");
	const target: SignedTarget =
		given.length > 0 ? { paths: given, catalogs: options.catalog } : await signedTarget(configuration);
	const isSignatureOnly = options.signatureOnly === true && given.length === 0;
	const paths = isSignatureOnly ? (target.catalogs ?? target.paths) : target.paths;
	const catalog = options.catalog ?? (hasCatalogs && !isSignatureOnly ? target.catalogs : undefined);
	const trees = verifiedTrees(paths, { root: options.root, catalogs: catalog });
	const isChosenHere = given.length === 0 && options.format === undefined && !hasCatalogs;
	if (options.catalog === undefined) refuseOtherCatalogs(configuration, trees, isChosenHere ? [] : catalog);
	const product = given.length > 0 ? undefined : configuration.members.product;
	const settings = forFormats(trustSettings(configuration, trees), { ...options, format: formats });
	return {
		paths,
		configuration,
		options: {
			...settings,
			...present({
				catalog,
				parts: options.root === undefined ? target.parts : undefined,
				product: hasCatalogs ? product : undefined,
				format: options.format ?? configuration.members.formats,
			}),
			...present(options),
			// Certificates that the user gave take the place of the trust store, which has nothing to narrow then.
			narrowing: options.trust === undefined ? settings.narrowing : undefined,
			trustFrom: options.trust === undefined ? settings.trustFrom : undefined,
		},
		notes: isFound && given.length === 0 ? [choiceNote(configuration, paths, formats)] : [],
	};
}

/** Says what a configuration that was found chose. It names the kinds of attributes, because they bind content alone. */
function choiceNote(
	configuration: ProjectConfiguration,
	paths: readonly string[],
	formats: NonNullable<VerifyCommandOptions["format"]>,
): string {
	const file = quote(pathOf(configuration, configuration.file));
	const how = formats.includes("cat") ? "" : `, by its attributes (${formats.join(", ")})`;
	return `${file} says what is verified: ${paths.map(quote).join(" and ")}${how}`;
}

/** Leaves out settings that have no effect on what is verified, which as options would be refused. */
function forFormats(settings: TrustSettings, { format = [], signatureOnly }: VerifyCommandOptions): TrustSettings {
	if (!format.includes("cat")) {
		const areSigned = format.some((format) => format !== "cat" && isSignatureFormat(format));
		const { crl, ocsp } = areSigned ? settings : {};
		return { ...settings, tsaTrust: undefined, require: undefined, added: undefined, maxSize: undefined, crl, ocsp };
	}
	return signatureOnly === true ? { ...settings, added: undefined, maxSize: undefined } : settings;
}
