/**
 * Reads the policy, a JSON document with the permissions of a runtime. schema.ts has the table of its members.
 * docs/policy.md explains the members, and policy.schema.json describes them for editors and other programs.
 */

import { quote } from "../errors.js";
import type { Mode } from "./mode.js";
import { MAX_POLICY_BYTES, POLICY, type Policy } from "./schema.js";
import { refusalFor } from "./settings.js";
import { parseStrictJson } from "./settings-text.js";
import { readShape } from "./shape.js";

export type { Policy };

/**
 * Reads a policy that is already parsed. Missing members get the values of DEFAULT_POLICY. The members of the result
 * always have the same order, so that equal policies give equal JSON.
 * @throws ERR_POLICY with a message that names the member
 */
export function parsePolicy(value: unknown): Policy {
	return readShape(POLICY, value, refusalFor("ERR_POLICY", "the policy"));
}

/** Reads a policy from the bytes of a file. They must be JSON that `parseStrictJson` accepts. @throws ERR_POLICY */
export function policyFromFileBytes(bytes: Uint8Array, file: string): Policy {
	const refuse = refusalFor("ERR_POLICY", `policy ${quote(file)}`, file);
	return readShape(POLICY, parseStrictJson(bytes, MAX_POLICY_BYTES, refuse), refuse);
}

/**
 * Returns `policy` adapted to `mode`. In strict mode no action is only recorded: it is refused or must be signed. The
 * kernel check is required.
 */
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
