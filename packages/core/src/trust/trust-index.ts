/**
 * Parses a trust index (`.sigx`), and verifies nothing: verify-index.ts does. An index has a policy, and for each path
 * of some products the signed content. `compile` makes an index from verified catalogs and adopted directories, and the
 * user of `compile` signs it. docs/reference/trust-index.md has the layout.
 *
 * This parser supports version 1, one signer, and SHA-256. The parts of an index must follow each other without gaps,
 * so that they cannot overlap.
 */

import { createHash, hash } from "node:crypto";
import { DerReader } from "../asn1/der.js";
import { COMMAND, SigtoolError } from "../errors.js";
import type { SignerInfo } from "../pki/cms.js";
import { signedAttribute } from "../pki/cms-verify.js";
import { describeTimestamps, SIGNING_TIME, type TimestampDescription } from "../pki/timestamp.js";
import type { ProductSigner } from "./file-rules.js";
import {
	type EntryTable,
	type FindRecord,
	findEntry,
	hasContent,
	type IndexEntry,
	namedEntries,
	pathOf,
} from "./index-entries.js";
import { type FileText, parseHead } from "./index-head.js";
import { FORMAT_VERSION, HEADER_BYTES, LIMITS, MAGIC, RECORD_BYTES, TRUST_INDEX_OID } from "./index-layout.js";
import type { Policy } from "./policy.js";
import type { SignedPolicy } from "./signed-policy.js";
import { type DetachedKind, type DetachedSignature, parseDetached } from "./verify-detached.js";

export type { FindRecord, IndexEntry } from "./index-entries.js";

/** The content of a trust index. It is evidence only as part of a `VerifiedTrustIndex`. */
export interface TrustIndex {
	readonly products: readonly IndexedProduct[];
	readonly policy: Policy;
	/** The signed form of the policy, whose signature is not verified. Undefined if it has none. */
	readonly signedPolicy?: SignedPolicy | undefined;
	/** The sequence of the index itself, which grows with each index. Undefined if the index has none. */
	readonly compiled: number | undefined;
	/** The signing time in milliseconds since the epoch, as the signer claims it. */
	readonly compiledAt: number;
	/**
	 * The time in milliseconds since the epoch after which the index is refused. Undefined if the index does not
	 * expire.
	 */
	readonly notAfter: number | undefined;
	/** The keys that signed the catalogs, as SHA-256 of the SubjectPublicKeyInfo in lower-case hexadecimal. */
	readonly signers: readonly string[];
	/**
	 * The SHA-256 of texts that Node.js compiles for files of the products and that differ from the files' bytes, in
	 * ascending order.
	 */
	readonly texts: readonly string[];
	/** The files of these texts, by SHA-256. An index of an earlier sigtool has texts alone, so this list is empty. */
	readonly fileTexts: readonly FileText[];
	readonly entryCount: number;
	/** The SHA-256 of the whole file in lower-case hexadecimal. */
	readonly digest: string;
	/**
	 * Returns the entry of a path, or undefined if the product is unknown or has no such path. The path is
	 * "/"-separated and relative to the product's root. The results of `find` and `hasContent` are right even if a
	 * program has replaced methods of built-in prototypes. The other members of this interface do not guarantee this.
	 */
	find(product: string, path: string): IndexEntry | undefined;
	/**
	 * Returns true if a file of some product has this SHA-256 (lower-case hexadecimal), and `counts`, if given, accepts
	 * the product and the path of this file.
	 */
	hasContent(sha256: string, counts?: (product: string, path: string) => boolean): boolean;
	/**
	 * Yields all entries of a product, in byte order of their paths. Yields nothing for an unknown product.
	 * @throws ERR_INDEX_FORMAT at the first entry that is malformed or out of order
	 */
	entries(product: string): Iterable<[path: string, entry: IndexEntry]>;
}

/** A product of a trust index. */
export interface IndexedProduct {
	readonly name: string;
	/** The absolute path of the directory from which the product was compiled. */
	readonly root: string;
	/**
	 * The lowest sequence of the product's catalogs, so that the oldest release counts. Undefined if a catalog has no
	 * sequence, or if the product is an adopted directory.
	 */
	readonly sequence: number | undefined;
	/** True if the directory had no catalog and the signer of the index adopted its content as it was. */
	readonly adopted?: true | undefined;
	/** The SHA-256 of each catalog file in lower-case hexadecimal. */
	readonly catalogs: readonly string[];
	/** The signers of these catalogs. Undefined for an adopted product, and if the index was compiled without rules. */
	readonly signers?: readonly ProductSigner[] | undefined;
}

/** SHA-256 in lower-case hexadecimal. */
export interface IndexDigests {
	/** The digest of the whole file. */
	readonly index: string;
	/** The digest of the part that the signature covers. */
	readonly content: string;
}

/** A parsed index whose signature and signer are not verified. */
export interface ParsedTrustIndex extends TrustIndex {
	readonly digests: IndexDigests;
	readonly timestamps: readonly TimestampDescription[];
}

/** The content of an index without what only a signature tells. */
export type IndexContentView = Omit<TrustIndex, "compiledAt">;

/**
 * Parses the content of an index that is not signed yet. Reads every entry, so that a signer signs only an index whose
 * entries can all be found.
 * @throws ERR_INDEX_FORMAT, ERR_POLICY, ERR_LIMIT
 */
export function parseUnsignedIndex(bytes: Uint8Array): IndexContentView {
	const layout = splitContent(bytes);
	if (layout.namesEnd < bytes.length) throw malformed("it is signed already; compile it again to replace it");
	const index = readContent(layout, hash("sha256", bytes, "hex"));
	for (const { name } of index.products) for (const _ of index.entries(name));
	return index;
}

/**
 * Parses an index without verifying its signature.
 * @throws ERR_INDEX_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_SIGNED_ATTRIBUTES, ERR_POLICY, ERR_LIMIT
 */
export function parseTrustIndex(bytes: Uint8Array): ParsedTrustIndex {
	const parts = splitIndex(bytes);
	return {
		...readIndex(parts),
		digests: parts.digests,
		timestamps: describeTimestamps(parts.signer, parts.signedData.certificates),
	};
}

/** Returns the sequence of an index, signed or not, without verifying it. Undefined for an index that cannot be read. */
export function unverifiedSequence(bytes: Uint8Array): number | undefined {
	try {
		return parseHead(splitContent(bytes).head).compiled;
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

/**
 * Returns the part of an index that its signature covers.
 * @throws ERR_INDEX_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_LIMIT
 */
export function signedPartOf(bytes: Uint8Array): Uint8Array {
	return splitIndex(bytes).signed;
}

/** Returns true if the bytes begin with MAGIC. */
export function isTrustIndex(bytes: Uint8Array): boolean {
	return MAGIC.every((byte, position) => bytes[position] === byte);
}

const WHAT = "trust index";
/** The kind of signature that an index has, for verify-detached.ts. */
export const INDEX_SIGNATURE: DetachedKind = { what: WHAT, contentType: TRUST_INDEX_OID, malformed };

/** The parts of the content. */
export interface ContentParts extends Omit<EntryTable, "findRecord"> {
	readonly head: Uint8Array;
	readonly entryCount: number;
}

/** The parts of an index that is signed. */
export interface IndexParts extends ContentParts, DetachedSignature {
	/** The bytes that the signature covers. */
	readonly signed: Uint8Array;
	readonly digests: IndexDigests;
}

/**
 * Splits an index into header, head, records, names and signature. These parts follow each other without gaps, and the
 * signature reaches up to the last byte.
 * @throws ERR_INDEX_FORMAT, ERR_LIMIT, ERR_DER, ERR_CMS_FORMAT
 */
export function splitIndex(bytes: Uint8Array, digests?: IndexDigests): IndexParts {
	const layout = splitContent(bytes);
	const { namesEnd } = layout;
	if (namesEnd === bytes.length) throw malformed(`it is not signed yet; sign it with \`${COMMAND} finish\``);
	if (bytes.length - namesEnd > LIMITS.signatureBytes) throw malformed("its signature is too large");
	const signature = bytes.subarray(namesEnd);
	if (isCut(signature)) throw truncated();
	const signed = bytes.subarray(0, namesEnd);
	return {
		...layout,
		signed,
		digests: digests ?? digestsOf(signed, signature),
		...parseDetached(signature, INDEX_SIGNATURE),
	};
}

/** Digests both parts of an index. The signed part is read once. */
function digestsOf(signed: Uint8Array, signature: Uint8Array): IndexDigests {
	const content = createHash("sha256").update(signed);
	return { index: content.copy().update(signature).digest("hex"), content: content.digest("hex") };
}

/** Splits the bytes before the signature. */
function splitContent(bytes: Uint8Array): ContentParts {
	const beginning = bytes.length < MAGIC.length ? MAGIC.slice(0, bytes.length) : MAGIC;
	if (beginning.some((byte, position) => bytes[position] !== byte)) {
		throw malformed("it does not begin with the bytes of a trust index");
	}
	if (bytes.length < HEADER_BYTES) throw truncated();
	const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
	const [version, headBytes, entryCount, nameBytes] = [8, 12, 16, 20].map((at) => header.getUint32(at, true));
	if (version !== FORMAT_VERSION)
		throw malformed(`its format has version ${version}, which this sigtool does not know`);
	if (headBytes > LIMITS.headBytes || entryCount > LIMITS.entries || nameBytes > LIMITS.nameBytes) {
		throw new SigtoolError("ERR_LIMIT", `Cannot read the ${WHAT}: its header announces more than the limits allow`);
	}
	const recordsStart = HEADER_BYTES + headBytes;
	const namesStart = recordsStart + entryCount * RECORD_BYTES;
	const namesEnd = namesStart + nameBytes;
	if (namesEnd > bytes.length) throw truncated();
	return {
		bytes,
		recordsStart,
		namesStart,
		namesEnd,
		head: bytes.subarray(HEADER_BYTES, recordsStart),
		entryCount,
	};
}

/** Returns true if the first bytes of a signature in DER announce more bytes than there are. */
function isCut(der: Uint8Array): boolean {
	if (der.length < 2) return true;
	const isShortForm = der[1] < 0x80;
	const digits = isShortForm ? 0 : der[1] & 0x7f;
	if (digits > 4) return false; // No signature is so long, so this is refused later.
	if (der.length < 2 + digits) return true;
	const announced = isShortForm ? der[1] : der.subarray(2, 2 + digits).reduce((size, byte) => size * 256 + byte, 0);
	return announced <= LIMITS.signatureBytes && announced > der.length - 2 - digits;
}

/** Reads the content of an index, whose signature the caller has verified, or does not rely on. */
export function readIndex(parts: IndexParts, findRecord?: FindRecord): TrustIndex {
	return { ...readContent(parts, parts.digests.index, findRecord), compiledAt: signingTime(parts.signer) };
}

function readContent(parts: ContentParts, digest: string, findRecord?: FindRecord): IndexContentView {
	const { bytes, recordsStart, namesStart, namesEnd, entryCount } = parts;
	const {
		policy,
		signedPolicy,
		notAfter,
		compiled,
		signers,
		fileTexts = [],
		products: described,
		...head
	} = parseHead(parts.head);
	const table: EntryTable = { bytes, recordsStart, namesStart, namesEnd, findRecord };
	const [names, starts]: [string[], number[]] = [[], []];
	let end = 0;
	for (const { name, entries } of described) {
		names.push(name);
		starts.push(end);
		end += entries;
	}
	starts.push(end);
	if (end !== entryCount) throw malformed(`its products have ${end} entries, but its header says ${entryCount}`);
	/**
	 * Returns the position of a product in `names`, or the number of products if it is not there. Calls no method,
	 * because a program could have replaced it.
	 */
	const numberOf = (product: string) => {
		let number = 0;
		while (number < names.length && names[number] !== product) number++;
		return number;
	};
	return {
		products: described.map(({ entries: _, ...product }) => product),
		policy,
		signedPolicy,
		compiled,
		notAfter,
		signers,
		texts: head.texts ?? [...new Set(fileTexts.map(({ text }) => text))].sort(),
		fileTexts,
		entryCount,
		digest,
		find(product, path) {
			const number = numberOf(product);
			return number === names.length ? undefined : findEntry(table, starts[number], starts[number + 1], path);
		},
		hasContent: (sha256, counts) => {
			if (counts === undefined) return hasContent(table, entryCount, sha256);
			return hasContent(table, entryCount, sha256, (record) => {
				let number = 0;
				while (record >= starts[number + 1]) number++;
				return counts(names[number], pathOf(table, record));
			});
		},
		entries(product) {
			const number = numberOf(product);
			return number === names.length ? [] : namedEntries(table, starts[number], starts[number + 1]);
		},
	};
}

function signingTime(signer: SignerInfo): number {
	const value = signedAttribute(signer, SIGNING_TIME, WHAT);
	if (value === undefined) throw malformed("its signature has no signing time");
	return new DerReader(value, WHAT).time();
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_INDEX_FORMAT", `Cannot read the ${WHAT}: ${reason}`);
}

/** Makes the error about an index that ends before it is complete, as it does while it is copied. */
function truncated(): SigtoolError {
	const message = `Cannot read the ${WHAT}: it is truncated; if nobody is copying it, install it again`;
	return new SigtoolError("ERR_INDEX_FORMAT", message, { passing: true });
}
