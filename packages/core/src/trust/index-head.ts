/**
 * Encodes and parses the head of a trust index. The head is a JSON document with the policy, the products, the keys of
 * the signers, and the time after which the index is refused.
 */

import { LIMITS } from "./index-layout.js";
import { type Policy, parsePolicy } from "./policy.js";
import { HEAD } from "./schema.js";
import { refusalFor } from "./settings.js";
import { parseStrictJson } from "./settings-text.js";
import { readShape, type ValueOf } from "./shape.js";
import { policyOfSigned, type SignedPolicy } from "./signed-policy.js";

type Head = ValueOf<typeof HEAD>;
type Product = Head["products"][number];
export type IndexHeadProduct = Omit<Product, "adopted" | "signers"> & Partial<Pick<Product, "adopted" | "signers">>;
/** A text that Node.js compiles and that differs from its file. Both members are a SHA-256 in lower-case hexadecimal. */
export interface FileText {
	readonly text: string;
	readonly file: string;
}
export type IndexHead = Omit<Head, "policy" | "signedPolicy" | "products" | "compiled" | "texts" | "fileTexts"> & {
	/** The sequence of the index itself. Indexes of an earlier sigtool have none. */
	readonly compiled?: number | undefined;
	readonly policy: Policy;
	/** The signed form of `policy`. Undefined if only the signer of the index vouches for it. */
	readonly signedPolicy?: SignedPolicy | undefined;
	/** The products, in the order in which their entries follow each other in the index. */
	readonly products: readonly IndexHeadProduct[];
	/** Texts that Node.js compiles and that differ from their files. */
	readonly fileTexts?: readonly FileText[] | undefined;
	/** The SHA-256 of such texts, in an index of an earlier sigtool, which does not say of which files they are. */
	readonly texts?: readonly string[] | undefined;
};

/**
 * Encodes a head as JSON in UTF-8. Equal heads give equal bytes, because the order of the members is fixed. Without
 * texts it has no member `fileTexts`, and without rules no signers of products, so that readers of an earlier sigtool accept
 * it. With a signed policy it has no other one.
 */
export function encodeHead({
	notAfter,
	compiled,
	policy,
	signedPolicy,
	signers,
	products,
	fileTexts = [],
}: IndexHead): Uint8Array {
	const ordered = products.map(({ name, root, sequence, adopted, catalogs, signers, entries }) => {
		return { name, root, sequence, adopted, catalogs, signers, entries };
	});
	const rules = signedPolicy === undefined ? { policy: parsePolicy(policy) } : { signedPolicy: inHex(signedPolicy) };
	const head = { notAfter, compiled, ...rules, signers, products: ordered };
	const pairs = pairsOf(fileTexts);
	return Buffer.from(JSON.stringify(pairs.length === 0 ? head : { ...head, fileTexts: pairs }));
}

/** Returns each pair of a text and its file once, in ascending order. */
export function pairsOf(fileTexts: readonly FileText[]): readonly FileText[] {
	const pairs = new Map(fileTexts.map(({ text, file }) => [text + file, { text, file }]));
	return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

/** Parses a head. @throws ERR_INDEX_FORMAT; ERR_POLICY if the policy is invalid */
export function parseHead(octets: Uint8Array): IndexHead {
	const refuse = refusalFor("ERR_INDEX_FORMAT", "the head of the trust index");
	const head = readShape(HEAD, parseStrictJson(octets, LIMITS.headBytes, refuse), refuse);
	const { signedPolicy: signed, policy, ...rest } = head;
	if (signed === undefined) return { ...rest, policy: parsePolicy(policy) };
	if (policy !== undefined) throw refuse("$.policy", "must not be beside signedPolicy");
	const signedPolicy = { document: signed.document, signature: Buffer.from(signed.signature, "hex") };
	return { ...rest, policy: policyOfSigned(signedPolicy), signedPolicy };
}

function inHex({ document, signature }: SignedPolicy): object {
	return { document, signature: Buffer.from(signature).toString("hex") };
}
