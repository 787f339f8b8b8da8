/** Reads policies, and trust indexes whose policy is meant. */

import { type IndexContentView, type Policy, policyFromFileBytes } from "@sigtool/core";
import {
	isTrustIndex,
	MAX_POLICY_BYTES,
	MAX_TRUST_INDEX_BYTES,
	mergedPolicy,
	parseTrustIndex,
	readInput,
} from "@sigtool/core/internal";
import { namingErrors, SigtoolError } from "@sigtool/core/internal/errors";
import { readInputFile } from "../options/input-file.js";

/** Reads the base policy, and merges it with supplemental ones. @throws ERR_POLICY, and the errors of reading */
export function policyOfFiles(files: readonly string[]): Policy {
	const [base, ...supplements] = files.map((file) => ({ file, bytes: readInputFile(file, MAX_POLICY_BYTES) }));
	if (base === undefined) throw new SigtoolError("ERR_INTERNAL", "Cannot read a policy: no file was named");
	return mergedPolicy(base, supplements);
}

/** Reads a policy, or that of a trust index whose signature is not verified. */
export function policyIn(file: string): Policy {
	const bytes = readInput(file, MAX_TRUST_INDEX_BYTES);
	return isTrustIndex(bytes)
		? namingErrors("trust index", file, () => parseTrustIndex(bytes)).policy
		: policyFromFileBytes(bytes, file);
}

/** Reads an index, whose signature is not verified: what it says is only shown. */
export function indexIn(file: string): IndexContentView {
	const bytes = readInput(file, MAX_TRUST_INDEX_BYTES);
	return namingErrors("trust index", file, () => parseTrustIndex(bytes));
}
