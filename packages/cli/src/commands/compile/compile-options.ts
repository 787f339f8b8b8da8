import type { Narrowing } from "../../configuration/trust.js";
import type { SignerDemandOptions } from "../../options/signer-demands.js";
import type { KeyOptions } from "../../options/signer-options.js";
import type { TimestampingOptions } from "../../options/timestamp-options.js";
import type { OutputOptions } from "../../output/output.js";

export interface CompileCommandOptions extends KeyOptions, SignerDemandOptions, TimestampingOptions, OutputOptions {
	readonly output: string;
	/** The base policy, then supplemental ones. */
	readonly policy?: readonly string[];
	readonly notAfter?: string;
	readonly sequence?: string;
	readonly unsigned?: boolean;
	readonly adopt?: readonly string[];
	readonly adoptPackage?: readonly string[];
	readonly acceptPackageChanges?: boolean;
	readonly stripTypesWith?: readonly string[];
	readonly catalog?: readonly string[];
	readonly trust?: readonly string[];
	readonly product?: string;
	readonly allowDevelopment?: boolean;
	readonly force?: boolean;
	/** Where `trust` comes from, if not from the option --trust. */
	readonly trustFrom?: "configuration";
	/** Certificates of a configuration that narrow the trust store. The command line has no such option. */
	readonly narrowing?: Narrowing;
}
