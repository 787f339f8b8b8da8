/**
 * Reads the vectors of the rules of a policy, which the readers in TypeScript and in C must judge alike. Adding a line to
 * rule-vectors.jsonl adds a test of each.
 */

import { readFileSync } from "node:fs";
import { mergedPolicy, type RuledFile } from "../../dist/internal/read.js";
import type { Policy } from "../../dist/read.js";

interface Vector {
	readonly group: string;
	readonly name: string;
	/** The rules of the base policy, then those of supplemental ones. */
	readonly policies: readonly (readonly object[])[];
	/** A signer without a subject is one that no authority vouches for. */
	readonly file: Omit<RuledFile, "product"> & { readonly product?: string };
	/** The start of the process. */
	readonly at?: string;
	readonly allowed: boolean;
	/** The name of the rule in events. Null if the file is allowed because no rule matches. */
	readonly rule: string | null;
	readonly why: string;
	readonly explain: readonly string[];
}

export interface RuleVector extends Omit<Vector, "policies" | "file" | "at"> {
	readonly policy: Policy;
	readonly file: RuledFile;
	/** Milliseconds since the epoch. */
	readonly at: number;
}

const START = "2027-01-31T12:00:00Z";

export const RULE_VECTORS: readonly RuleVector[] = readFileSync(new URL("rule-vectors.jsonl", import.meta.url), "utf8")
	.trimEnd()
	.split("\n")
	.map((line): Vector => JSON.parse(line))
	.map(({ policies, file, at = START, ...vector }) => ({
		...vector,
		policy: policyOf(policies),
		file: { ...file, product: file.product, signers: file.signers.map((each) => ({ ...each, subject: each.subject })) },
		at: Date.parse(at),
	}));

function policyOf(policies: readonly (readonly object[])[]): Policy {
	const [base, ...supplements] = policies.map((rules, place) => {
		return { file: `${place}.json`, bytes: Buffer.from(JSON.stringify({ version: 1, rules })) };
	});
	if (base === undefined) throw new Error("A vector needs a base policy");
	return mergedPolicy(base, supplements);
}
