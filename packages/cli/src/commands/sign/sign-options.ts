import type { SignFormat } from "@sigtool/core";
import type { KeyOptions } from "../../options/signer-options.js";
import type { TimestampingOptions } from "../../options/timestamp-options.js";
import type { OutputOptions } from "../../output/output.js";

export interface SignCommandOptions extends KeyOptions, TimestampingOptions, OutputOptions {
	readonly output?: string;
	readonly format?: readonly SignFormat[];
	readonly attribute?: string;
	readonly digest: "sha256" | "sha384" | "sha512";
	readonly namespace: "security" | "user";
	readonly carry?: "ima";
	readonly include?: readonly string[];
	readonly exclude?: readonly string[];
	readonly filesFrom?: string;
	readonly links?: "record" | "reject" | "follow";
	readonly linksOutside?: "refuse" | "record";
	readonly caseCollisions: "refuse" | "allow";
	readonly product?: string;
	readonly sequence?: string;
	readonly description?: string;
	readonly url?: string;
	readonly sha1Twins?: boolean;
	readonly unsigned?: boolean;
	readonly compilePython?: boolean;
	readonly python?: readonly string[];
	readonly check?: "npm";
	readonly dryRun?: boolean;
	readonly force?: boolean;
}
