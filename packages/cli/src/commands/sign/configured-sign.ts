/** Adds the project's configuration to the operands and options of `sign`. Options that the user gave win. */

import { isSignatureFormat } from "@sigtool/core/internal";
import { type ProjectConfiguration, projectConfiguration } from "../../configuration/configuration.js";
import { refuseOtherWriters } from "../../configuration/other-writers.js";
import { keySettings, pathOf, present, releaseSettings, signedPaths } from "../../configuration/settings.js";
import { namesKey } from "../../options/signer-options.js";
import { nothingNamed } from "../../options/usage.js";
import type { SignCommandOptions } from "./sign-options.js";

export interface ConfiguredSign {
	readonly paths: readonly string[];
	readonly options: SignCommandOptions;
	readonly configuration?: ProjectConfiguration;
}

/**
 * Without operands, the configuration says what is signed and how. With operands it says how, and only if it was named.
 * @throws ERR_USAGE if nothing says what to sign; ERR_CONFIG
 */
export async function configuredSign(paths: readonly string[], options: SignCommandOptions): Promise<ConfiguredSign> {
	const configuration = await projectConfiguration(options);
	if (configuration === undefined) {
		if (paths.length === 0) throw nothingNamed("sign");
		return { paths, options };
	}
	if (configuration.origin === "found") refuseOtherWriters(configuration.file);
	const { format, ...release } = releaseSettings(configuration);
	const { include, exclude, ...others } = release;
	// A list of files names exactly what is signed, so no pattern applies.
	const rules = options.filesFrom === undefined ? { include, exclude } : {};
	const what = paths.length > 0 ? {} : { ...others, ...present(rules) };
	const formats = options.format ?? format ?? ["cat"];
	const makesCatalog = formats.includes("cat") && options.unsigned !== true;
	const makesSignature = makesCatalog || formats.some((each) => each !== "cat" && isSignatureFormat(each));
	const { timestamp, timestampTrust } = configuration.members;
	return {
		paths: paths.length > 0 ? paths : await signedPaths(configuration),
		configuration,
		options: {
			...what,
			...(makesSignature && options.dryRun !== true && !namesKey(options) ? keySettings(configuration) : {}),
			...(makesCatalog && options.dryRun !== true && timestamp !== undefined && options.timestamp === undefined
				? present({ timestamp, tsaTrust: timestampTrust?.map((path) => pathOf(configuration, path)) })
				: {}),
			format: formats,
			...present(options),
		},
	};
}
