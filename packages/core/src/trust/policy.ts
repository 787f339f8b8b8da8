/**
 * Reads the policy, a JSON document with the permissions of a runtime. schema.ts is the table of its members, docs/policy.md
 * explains them, and policy.schema.json describes them for editors and other programs.
 */

import { quote } from "../errors.js";
import type { Mode } from "./mode.js";
import { MAX_POLICY_BYTES, POLICY, type Policy } from "./schema.js";
import { refusalFor } from "./settings.js";
import { parseStrictJson } from "./settings-text.js";
import { readShape } from "./shape.js";

export type { Policy };

/**
 * Reads a policy that is already parsed. Missing members are as in DEFAULT_POLICY. The members have one order, so that equal
 * policies are equal JSON.
 * @throws ERR_POLICY, naming the member
 */
export function parsePolicy(value: unknown): Policy {
	return readShape(POLICY, value, refusalFor("ERR_POLICY", "the policy"));
}

/** Reads a policy from a file's bytes, which must be JSON as `parseStrictJson` has it. @throws ERR_POLICY */
export function policyFromFileBytes(bytes: Uint8Array, file: string): Policy {
	const refuse = refusalFor("ERR_POLICY", `policy ${quote(file)}`, file);
	return readShape(POLICY, parseStrictJson(bytes, MAX_POLICY_BYTES, refuse), refuse);
}

/** Returns `policy` adapted to `mode`. In strict, nothing is only recorded, and the kernel must be asked. */
export function policyInMode(policy: Policy, mode: Mode): Policy {
	if (mode !== "strict") return { ...policy, mode };
	const { files, runtime, python } = policy;
	const webAssembly = runtime.webAssembly === "allow" ? "signed" : runtime.webAssembly;
	return {
		...policy,
		mode,
		files: { ...files, kernelCheck: "require" },
		runtime: { ...runtime, webAssembly, stringCode: "refuse", children: "refuse" },
		python: { ...python, auditHooks: "refuse", xattr: "off" },
	};
}

export const DEFAULT_POLICY: Policy = parsePolicy({ version: 1 });
