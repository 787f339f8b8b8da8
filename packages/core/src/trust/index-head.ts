/** Encodes and parses the head of a trust index: one JSON document with everything but the entries. */

import { isUtf8 } from "node:buffer";
import { quote, SigtoolError } from "../errors.js";
import { LIMITS } from "./index-layout.js";
import { absent, list, object, SHA256_HEX, set, text, wholeNumber } from "./json-shape.js";
import { type Policy, parsePolicy } from "./policy.js";

/** The members of the head, in the order in which they are written. The index has its entries product by product. */
export interface IndexHead {
	/** Milliseconds since the epoch. */
	readonly notAfter: number | undefined;
	readonly policy: Policy;
	readonly signers: readonly string[];
	readonly products: readonly IndexHeadProduct[];
}

export interface IndexHeadProduct {
	readonly name: string;
	readonly root: string;
	readonly sequence: number | undefined;
	/** Is set when the directory was unsigned, and the signer of the index adopted its content as it was. */
	readonly adopted?: true | undefined;
	readonly catalogs: readonly string[];
	/** The number of the product's entries. */
	readonly entries: number;
}

/** Encodes a head in UTF-8. Equal heads give equal bytes. */
export function encodeHead({ notAfter, policy, signers, products }: IndexHead): Uint8Array {
	const ordered = products.map(({ name, root, sequence, adopted, catalogs, entries }) => {
		return { name, root, sequence, adopted, catalogs, entries };
	});
	return Buffer.from(JSON.stringify({ notAfter, policy: parsePolicy(policy), signers, products: ordered }));
}

/** @throws ERR_INDEX_FORMAT; ERR_POLICY for the policy */
export function parseHead(bytes: Uint8Array): IndexHead {
	let value: unknown;
	try {
		if (!isUtf8(bytes)) throw new TypeError("It is not UTF-8");
		// Buffer decodes, because creating a TextDecoder takes longer than this whole function.
		value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
	} catch (cause) {
		throw new SigtoolError("ERR_INDEX_FORMAT", "Cannot read the trust index: its head is not JSON", { cause });
	}
	const head = readHead(value, "$", refusal);
	const names = new Set(head.products.map(({ name }) => name));
	if (names.size < head.products.length) throw refusal("$.products", "must not name a product twice");
	if (head.products.length > LIMITS.products) throw refusal("$.products", `must not be more than ${LIMITS.products}`);
	return head;
}

const readHead = object<IndexHead>({
	notAfter: absent(undefined, wholeNumber(0, 8.64e15)), // 8.64e15 is the greatest time of a Date.
	policy: (value) => parsePolicy(value),
	signers: set(SHA256_HEX),
	products: list(
		object<IndexHeadProduct>({
			name: text(/^.+$/s, "a name"),
			root: text(/^(\/|[A-Za-z]:[\\/]|\\\\)/, "an absolute path"),
			sequence: absent(undefined, wholeNumber(0, Number.MAX_SAFE_INTEGER)),
			adopted: absent(undefined, isTrue),
			catalogs: set(SHA256_HEX),
			entries: wholeNumber(0, LIMITS.entries),
		}),
	),
});

function isTrue(value: unknown, at: string): true {
	if (value === true) return value;
	throw refusal(at, "must be true where it is present");
}

function refusal(at: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_INDEX_FORMAT", `Cannot read the trust index: ${quote(at)} ${reason}`);
}
