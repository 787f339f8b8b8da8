import type { SignFormat } from "@sigtool/core";
import type { JudgementOptions } from "../../options/judgement.js";
import type { SignerDemandOptions } from "../../options/signer-demands.js";
import type { Found } from "../../output/outcome.js";
import type { ExitStatus, OutputOptions } from "../../output/output.js";

export interface VerifyCommandOptions extends JudgementOptions, SignerDemandOptions, OutputOptions {
	readonly catalog?: readonly string[];
	readonly root?: string;
	readonly product?: string;
	readonly profile: "default" | "windows-legacy";
	readonly format?: readonly SignFormat[];
	readonly namespace?: "security" | "user";
	readonly attribute?: string;
	readonly cert?: readonly string[];
	readonly allowUnsigned?: boolean;
	readonly match?: "path" | "digest";
	readonly added?: "fail" | "warn" | "ignore";
	readonly ignore: boolean;
	readonly signatureOnly?: boolean;
	readonly maxSize?: string;
	/** Certificates or pins of those who may have signed the policy of an index. */
	readonly policySigner?: readonly string[];
	readonly all?: boolean;
	/** Parts of the tree that the catalogs have to cover, from a configuration. */
	readonly parts?: readonly string[];
}

/** The result of the verification of one path. */
export interface Outcome {
	readonly exit: ExitStatus;
	readonly fields: Readonly<Record<string, unknown>>;
	/** The findings that decide the verdict, and those that do not. */
	readonly findings: readonly Found[];
	readonly notices?: readonly Found[];
	/** The absolute path of the directory to which the paths of the findings are relative, if they are. */
	readonly root?: string | undefined;
	/** The lines of the report, for standard output. */
	readonly lines: readonly string[];
	/** The lines about errors, for standard error. */
	readonly problems: readonly string[];
	readonly warnings: readonly string[];
	readonly notes: readonly string[];
}
