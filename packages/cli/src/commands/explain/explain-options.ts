import type { JudgementOptions } from "../../options/judgement.js";
import type { OutputOptions } from "../../output/output.js";

export interface ExplainOptions extends JudgementOptions, OutputOptions {
	readonly catalog?: readonly string[];
	readonly root?: string;
	readonly product?: string;
	readonly profile: "default" | "windows-legacy";
	readonly log?: readonly string[];
	readonly prefix: string;
}
