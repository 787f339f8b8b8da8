import {
	type Certificate,
	type IndexedProduct,
	type SignedPolicy,
	spkiSha256,
	type TrustIndex,
	type VerifiedSignature,
} from "@sigtool/core";
import { MAX_TRUST_INDEX_BYTES, policyCertificate, policyOfSigned, readBounded } from "@sigtool/core/internal";
import { namingErrors, SigtoolError } from "@sigtool/core/internal/errors";
import { escaped } from "./output.js";
import { count, isoTime } from "./render.js";

/**
 * Reads the file of a trust index and returns the result of `read` for its bytes. If `read` throws, the error names the
 * file.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and the errors of `read`
 */
export function fromIndexFile<T>(file: string, read: (bytes: Uint8Array) => T): T {
	const bytes = readBounded(file, MAX_TRUST_INDEX_BYTES);
	return namingErrors("trust index", file, () => read(bytes));
}

/** Returns the rows about a product: its name, its directory, and that nobody signed it if it was adopted. */
export function productRows({ name, root, sequence, adopted }: Omit<IndexedProduct, "catalogs">): [string, string][] {
	const release = sequence === undefined ? "" : `, sequence ${sequence}`;
	return [
		["product", `${escaped(name)}${release}${adopted === true ? ", adopted: nobody signed it" : ""}`],
		["root", escaped(root)],
	];
}

/** Returns the number of compiled texts, or undefined if there are none. */
export function textsText({ texts }: Pick<TrustIndex, "texts">): string | undefined {
	return texts.length === 0 ? undefined : count(texts.length, "text");
}

/** Returns the rows about a trust index, without its entries and texts. */
export function indexRows(index: TrustIndex): [string, string | undefined][] {
	const { products, policy, compiled, compiledAt, notAfter, entryCount } = index;
	return [
		...products.flatMap(productRows),
		["entries", count(entryCount, "entry", "entries")],
		["texts", textsText(index)],
		["index", compiled === undefined ? undefined : `sequence ${compiled}`],
		["mode", policy.mode],
		["compiled", isoTime(compiledAt)],
		["until", notAfter === undefined ? undefined : isoTime(notAfter)],
	];
}

/**
 * Returns the row about the signature of the policy. Without `verified` nobody has judged its signer, so only what the
 * signature itself proves is said.
 */
export function policySignerRows(
	{ signedPolicy }: Pick<TrustIndex, "signedPolicy">,
	verified?: VerifiedSignature,
): [string, string | undefined][] {
	if (signedPolicy === undefined) return [];
	const { certificate, problem } = judgedPolicy(signedPolicy);
	if (certificate === undefined) return [["policy signer", `none: ${escaped(problem.message)} [${problem.code}]`]];
	const trusted = verified === undefined ? "; whether a host trusts it was not judged" : "; trusted";
	return [
		["policy signer", `${escaped(certificate.subject.text)}${trusted}`],
		["policy key", spkiSha256(certificate)],
		["policy sequence", policyOfSigned(signedPolicy).sequence?.toString()],
	];
}

/** Returns the facts of `policySignerRows` for the JSON document. */
export function signedPolicyFields({ signedPolicy }: Pick<TrustIndex, "signedPolicy">): object | null {
	if (signedPolicy === undefined) return null;
	const { certificate, problem } = judgedPolicy(signedPolicy);
	if (certificate === undefined) return { problem: { code: problem.code, message: problem.message } };
	return { subject: certificate.subject.text, key: spkiSha256(certificate) };
}

function judgedPolicy(
	signed: SignedPolicy,
):
	| { readonly certificate: Certificate; readonly problem?: undefined }
	| { readonly certificate?: undefined; readonly problem: SigtoolError } {
	try {
		return { certificate: policyCertificate(signed) };
	} catch (problem) {
		if (problem instanceof SigtoolError) return { problem };
		throw problem;
	}
}

/** Returns the facts of `indexRows`, and further facts about the index, for the JSON document. */
export function indexFields(index: TrustIndex): Record<string, unknown> {
	const { products, policy, compiled, compiledAt, notAfter, signers, entryCount, digest } = index;
	return {
		sha256: digest,
		products: products.map((product) => ({ ...product, sequence: product.sequence ?? null })),
		policy,
		signedPolicy: signedPolicyFields(index),
		compiled: compiled ?? null,
		compiledAt: isoTime(compiledAt),
		notAfter: notAfter === undefined ? null : isoTime(notAfter),
		catalogSigners: signers,
		entries: entryCount,
	};
}
