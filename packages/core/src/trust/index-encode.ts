/** Encodes and signs a trust index. In the file, the content comes first and its signature follows. */

import { quote, SigtoolError } from "../errors.js";
import { comparePathBytes } from "../fileset/paths/entry-path.js";
import { signDetached } from "../signer/sign-detached.js";
import type { Signer } from "../signer/signer.js";
import type { IndexEntry } from "./index-entries.js";
import { encodeHead, type IndexHead, type IndexHeadProduct, pairsOf } from "./index-head.js";
import {
	FORMAT_VERSION,
	HEADER_BYTES,
	KIND,
	LIMITS,
	MAGIC,
	RECORD,
	RECORD_BYTES,
	TRUST_INDEX_OID,
} from "./index-layout.js";

export interface IndexContent extends Omit<IndexHead, "products" | "texts"> {
	readonly products: readonly ProductContent[];
}

export interface ProductContent extends Omit<IndexHeadProduct, "entries"> {
	/** The entries by path, in any order. */
	readonly entries: ReadonlyMap<string, IndexEntry>;
}

/**
 * Returns the content of an index: everything except the signature. Equal content gives equal bytes.
 * @throws ERR_LIMIT if there are more products, entries or texts than LIMITS allows, or if a path is too long
 */
export function encodeIndex(content: IndexContent): Uint8Array {
	const textCount = pairsOf(content.fileTexts ?? []).length;
	if (textCount > LIMITS.texts) {
		const way = "sign the JavaScript that a build makes of the TypeScript, or compile parts of the tree separately";
		const message = `Cannot compile: ${textCount} texts differ from their files (TypeScript, byte order marks), and a trust index holds at most ${LIMITS.texts}; ${way}`;
		throw new SigtoolError("ERR_LIMIT", message);
	}
	const products = content.products.map(({ entries, ...product }) => ({ ...product, entries: entries.size }));
	const head = encodeHead({ ...content, products });
	const rows = content.products.flatMap(({ entries }) => {
		return [...entries].sort(([a], [b]) => comparePathBytes(a, b)).map(toRow);
	});
	const nameBytes = rows.reduce((sum, { path, target }) => sum + path.length + target.length, 0);
	if (head.length > LIMITS.headBytes || rows.length > LIMITS.entries || nameBytes > LIMITS.nameBytes) {
		throw new SigtoolError("ERR_LIMIT", "Cannot compile: more products or entries than a trust index holds");
	}
	const recordsStart = HEADER_BYTES + head.length;
	const namesStart = recordsStart + rows.length * RECORD_BYTES;
	const bytes = Buffer.alloc(namesStart + nameBytes);
	bytes.set(MAGIC);
	for (const [index, number] of [FORMAT_VERSION, head.length, rows.length, nameBytes].entries()) {
		bytes.writeUInt32LE(number, 8 + 4 * index);
	}
	bytes.set(head, HEADER_BYTES);
	let name = namesStart;
	for (const [index, { path, target, entry }] of rows.entries()) {
		const at = recordsStart + index * RECORD_BYTES;
		bytes.writeUInt32LE(name - namesStart, at + RECORD.nameStart);
		bytes.writeUInt16LE(path.length, at + RECORD.pathBytes);
		bytes.writeUInt16LE(KIND[entry.kind], at + RECORD.kind);
		bytes.writeBigUInt64LE(BigInt(entry.kind === "file" ? entry.size : target.length), at + RECORD.size);
		if (entry.kind === "file") bytes.write(entry.sha256, at + RECORD.digest, "hex");
		bytes.set(path, name);
		bytes.set(target, name + path.length);
		name += path.length + target.length;
	}
	return bytes;
}

/**
 * Signs the content and returns the pieces of the file. `at`, `stamp` and `signal` are as for `signDetached`.
 * @throws ERR_LIMIT if the signature is larger than LIMITS.signatureBytes, because every reader refuses such an index;
 * the errors of `signDetached`
 */
export async function signIndex(
	content: Uint8Array,
	signer: Signer,
	at: number,
	stamp?: (signature: Uint8Array) => Promise<Uint8Array>,
	signal?: AbortSignal,
): Promise<Uint8Array[]> {
	const signed = await signDetached(content, signer, { contentType: TRUST_INDEX_OID, time: at, stamp, signal });
	if (signed.reduce((sum, piece) => sum + piece.length, 0) > LIMITS.signatureBytes) {
		const message = `Cannot sign the trust index: certificates and timestamp have more than ${LIMITS.signatureBytes} bytes`;
		throw new SigtoolError("ERR_LIMIT", message);
	}
	return [content, ...signed];
}

interface Row {
	readonly path: Uint8Array;
	/** The target of a link. It is empty for a file. */
	readonly target: Uint8Array;
	readonly entry: IndexEntry;
}

function toRow([name, entry]: readonly [string, IndexEntry]): Row {
	const path = Buffer.from(name);
	const target = Buffer.from(entry.kind === "link" ? entry.target : "");
	if (path.length > LIMITS.pathBytes || target.length > LIMITS.pathBytes) {
		const message = `Cannot compile: the path of ${quote(name)}, or its target, is longer than ${LIMITS.pathBytes} bytes`;
		throw new SigtoolError("ERR_LIMIT", message, { path: name });
	}
	return { path, target, entry };
}
