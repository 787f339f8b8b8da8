/**
 * Reads the policy, a JSON document that says what signed code may do in a runtime. The table of its members is in
 * schema.ts. docs/reference/policy.md explains the members, and policy.schema.json describes them for editors and other programs.
 */

import { quote } from "../errors.js";
import type { Mode } from "./mode.js";
import { MAX_POLICY_BYTES, POLICY, type Policy } from "./schema.js";
import { refusalFor, refusalInText } from "./settings.js";
import { parseStrictJson } from "./settings-text.js";
import { readShape } from "./shape.js";

export type { Policy };

/**
 * Checks a policy that JSON.parse or the program itself made. Missing members get their default values. The members of
 * the result always have the same order, so that equal policies give equal JSON.
 * @throws ERR_POLICY with a message that names the refused member
 * @example
 * ```ts
 * import { parsePolicy } from "@sigtool/core/read";
 *
 * const policy = parsePolicy({ version: 1, mode: "strict", runtime: { stringCode: "refuse" } });
 * console.log(policy.runtime.workers); // signed
 * ```
 */
export function parsePolicy(value: unknown): Policy {
	return readShape(POLICY, value, refusalFor("ERR_POLICY", "the policy"));
}

/**
 * Reads a policy from the bytes of a file. The bytes must be JSON in UTF-8 without a byte order mark, and no
 * object may name a member twice. The message of an error has the line and the column.
 * @throws
 * ERR_POLICY
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { policyFromFileBytes } from "@sigtool/core/read";
 *
 * const policy = policyFromFileBytes(readFileSync("policy.json"), "policy.json");
 * console.log(policy.mode); // audit
 * ```
 */
export function policyFromFileBytes(bytes: Uint8Array, file: string): Policy {
	const refuse = refusalInText("ERR_POLICY", `policy ${quote(file)}`, bytes, file);
	return readShape(POLICY, parseStrictJson(bytes, MAX_POLICY_BYTES, refuse), refuse);
}

/** The bytes of a policy, and the name of its file. */
export interface PolicyFile {
	readonly bytes: Uint8Array;
	readonly file: string;
}

/**
 * Merges a base policy with supplemental ones, which have rules alone. Their deny rules are added. A file must match an
 * allow rule of the base, if it has any, and one of the supplemental policies, if they have any. So no supplemental policy
 * lets a file pass that the base refuses.
 * @throws ERR_POLICY
 */
export function mergedPolicy(base: PolicyFile, supplements: readonly PolicyFile[]): Policy {
	const policy = policyFromFileBytes(base.bytes, base.file);
	if (supplements.length === 0) return policy;
	const added = supplements.flatMap(supplementalRules);
	const files = [base, ...supplements].map(({ file }) => quote(file)).join(" and ");
	const refuse = refusalFor("ERR_POLICY", `policies ${files} together`);
	return readShape(POLICY, { ...policy, rules: [...(policy.rules ?? []), ...added] }, refuse);
}

function supplementalRules({ bytes, file }: PolicyFile): NonNullable<Policy["rules"]> {
	const refuse = refusalInText("ERR_POLICY", `supplemental policy ${quote(file)}`, bytes, file);
	const value = parseStrictJson(bytes, MAX_POLICY_BYTES, refuse);
	const { rules = [] } = readShape(POLICY, value, refuse);
	// The type assertion is safe: readShape accepts only objects.
	const other = Object.keys(value as object).find((name) => name !== "version" && name !== "rules");
	if (other !== undefined) throw refuse(`$.${other}`, "is for the base policy: a supplemental one has rules alone");
	return rules.map((rule) => ({ ...rule, supplemental: true }));
}

/**
 * Returns the policy with the mode `mode`. The mode `strict` also changes other members: `files.kernelCheck` becomes
 * `require`, `runtime.stringCode` and `python.auditHooks` become `refuse`, `runtime.children` becomes `refuse` unless it is
 * `exit`, `python.xattr` becomes `off`, `runtime.webAssembly` becomes `signed` if it is `allow`, and `python.stringCode` if
 * it is `audit`.
 */
export function policyInMode(policy: Policy, mode: Mode): Policy {
	if (mode !== "strict") return { ...policy, mode };
	const { files, runtime, python } = policy;
	const webAssembly = runtime.webAssembly === "allow" ? "signed" : runtime.webAssembly;
	const pythonCode = python.stringCode === "audit" ? "signed" : python.stringCode;
	return {
		...policy,
		mode,
		files: { ...files, kernelCheck: "require" },
		runtime: {
			...runtime,
			webAssembly,
			stringCode: "refuse",
			children: runtime.children === "exit" ? "exit" : "refuse",
		},
		python: { ...python, stringCode: pythonCode, auditHooks: "refuse", xattr: "off" },
	};
}
