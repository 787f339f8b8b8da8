/** Reads policies, signed ones too, and trust indexes whose policy is meant. */

import { type IndexContentView, type Policy, policyFromFileBytes, type SignedPolicy } from "@sigtool/core";
import {
	isSignedPolicy,
	isTrustIndex,
	MAX_SIGNED_POLICY_BYTES,
	MAX_TRUST_INDEX_BYTES,
	mergedPolicy,
	type PolicyFile,
	parseSignedPolicy,
	parseTrustIndex,
	policyCertificate,
	readInput,
} from "@sigtool/core/internal";
import { namingErrors, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { readInputFile } from "../options/input-file.js";
import { usageError } from "../options/usage.js";

/**
 * Reads the base policy, and merges it with supplemental ones. The signature of a signed policy is not looked at.
 * @throws ERR_POLICY, and the errors of reading
 */
export function policyOfFiles(files: readonly string[]): Policy {
	return merged(files.map(read));
}

/** Reads policies as `policyOfFiles` does, and the signature of a policy that stands alone. */
export function policiesToCheck(files: readonly string[]): { policy: Policy; signedPolicy: SignedPolicy | undefined } {
	const all = files.map(read);
	const [only, ...others] = all;
	const isSigned = only !== undefined && others.length === 0 && isSignedPolicy(only.bytes);
	return { policy: merged(all), signedPolicy: isSigned ? parseSignedPolicy(only.bytes, only.file) : undefined };
}

/**
 * Reads what an index gets: a policy, with supplemental ones merged into it, or a signed policy as it is.
 * @throws ERR_USAGE for a signed policy with others; ERR_POLICY; the errors of `policyCertificate`, and those of reading
 */
export function policyForIndex(
	files: readonly string[],
): { readonly policy: Policy } | { readonly signedPolicy: SignedPolicy } {
	const all = files.map(read);
	const signed = all.find(({ bytes }) => isSignedPolicy(bytes));
	if (signed === undefined) return { policy: merged(all) };
	const { file, bytes } = signed;
	if (files.length > 1)
		throw usageError(
			`Use ${quote(file)} alone: a signed policy counts as it is; merge the policies before they are signed`,
		);
	const signedPolicy = parseSignedPolicy(bytes, file);
	namingErrors("signed policy", file, () => policyCertificate(signedPolicy));
	return { signedPolicy };
}

/** Reads a policy, or that of a trust index whose signature is not verified. */
export function policyIn(file: string): Policy {
	const bytes = readInput(file, MAX_TRUST_INDEX_BYTES);
	if (isTrustIndex(bytes)) return namingErrors("trust index", file, () => parseTrustIndex(bytes)).policy;
	return policyFromFileBytes(documentOf(bytes, file), file);
}

/** Reads an index, whose signature is not verified: what it says is only shown. */
export function indexIn(file: string): IndexContentView {
	const bytes = readInput(file, MAX_TRUST_INDEX_BYTES);
	return namingErrors("trust index", file, () => parseTrustIndex(bytes));
}

/** A pipe can be read only once. */
function read(file: string): PolicyFile {
	return { file, bytes: readInputFile(file, MAX_SIGNED_POLICY_BYTES) };
}

function merged(files: readonly PolicyFile[]): Policy {
	const [base, ...supplements] = files.map(({ file, bytes }) => ({ file, bytes: documentOf(bytes, file) }));
	if (base === undefined) throw new SigtoolError("ERR_INTERNAL", "Cannot read a policy: no file was named");
	return mergedPolicy(base, supplements);
}

/** Returns the document of a signed policy, and the bytes of any other file as they are. */
function documentOf(bytes: Uint8Array, file: string): Uint8Array {
	return isSignedPolicy(bytes) ? Buffer.from(parseSignedPolicy(bytes, file).document) : bytes;
}
