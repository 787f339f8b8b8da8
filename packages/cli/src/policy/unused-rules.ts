/** Finds the rules of a policy that no event names, so that somebody can retire them. */

import { described, type FileRule, fileRulesOf } from "@sigtool/core/internal";
import { usageError } from "../options/usage.js";
import { policyIn, policyOfFiles } from "./policy-files.js";

export interface UnusedRule {
	/** The name of the rule in events. */
	readonly rule: string;
	/** The name, and what the rule matches. */
	readonly text: string;
	readonly owner: string | undefined;
	readonly expires: string | undefined;
}

/** Lists the rules whose names are not among the used ones, in their order. */
export type UnusedAmong = (used: ReadonlySet<string>) => UnusedRule[];

/**
 * Reads the rules of a policy, of a base policy with supplemental ones, or of a trust index, whose signature is not
 * verified.
 * @throws ERR_USAGE, ERR_POLICY, ERR_INDEX_FORMAT, ERR_ROOT_MISSING, ERR_IO
 */
export function rulesToCompare(files: readonly string[]): UnusedAmong {
	const [file, ...supplements] = files;
	if (file === undefined) throw usageError("Name a policy, or a trust index, with --policy");
	const policy = supplements.length === 0 ? policyIn(file) : policyOfFiles(files);
	const rules: readonly FileRule[] = fileRulesOf(policy, Date.now())?.list ?? [];
	return (used) =>
		rules
			.filter(({ name }) => !used.has(name))
			.map((rule) => ({ rule: rule.name, text: described(rule), owner: rule.owner, expires: rule.expires }));
}
