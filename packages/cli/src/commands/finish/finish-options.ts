import type { KeyOptions } from "../../options/signer-options.js";
import type { TimestampingOptions } from "../../options/timestamp-options.js";
import type { OutputOptions } from "../../output/output.js";

export interface FinishCommandOptions extends KeyOptions, TimestampingOptions, OutputOptions {
	readonly output?: string;
	readonly expectDigest?: string;
	readonly previous?: string;
	readonly requireNewer?: boolean;
	readonly description?: string;
	readonly url?: string;
}
