import type { Configuration } from "../../configuration/members.js";
import type { OutputOptions } from "../../output/output.js";

export interface InitOptions extends OutputOptions {
	readonly yes?: boolean;
	readonly output?: string;
	readonly product?: string;
	readonly include?: readonly string[];
	readonly exclude?: readonly string[];
	readonly format?: NonNullable<Configuration["formats"]>;
	readonly description?: string;
	readonly url?: string;
	readonly identity?: string;
	readonly key?: string;
	readonly cert?: string;
	readonly chain?: readonly string[];
	readonly p12?: string;
	readonly passphraseFile?: string;
	readonly pinFile?: string;
	readonly pkcs11?: string;
	readonly timestamp?: readonly string[];
	readonly tsaTrust?: readonly string[];
	readonly trust?: readonly string[];
	readonly policy?: string;
	/** The value is false if --no-development was given. */
	readonly development: boolean;
	readonly force?: boolean;
}
