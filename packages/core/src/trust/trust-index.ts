/**
 * Reading a trust index (`.sigx`): which content each path of some products must have, and by what policy, signed by
 * whoever compiled it from verified catalogs. docs/trust-index.md has the layout.
 *
 * Supported: version 1, one signer, SHA-256. Everything is in one place only, so that nothing can overlap.
 */

import { createHash } from "node:crypto";
import { DerReader } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { parseSignedData, type SignedData, type SignerInfo } from "../pki/cms.js";
import { signedAttribute, verifySigner } from "../pki/cms-verify.js";
import { type Denial, denied, refuseDeniedCatalog } from "../pki/deny-list.js";
import { judgeSigner, type VerifiedSigner } from "../pki/signer-trust.js";
import { signingCertificateProblem } from "../pki/signing-certificate.js";
import type { TrustPolicy } from "../pki/trust-store.js";
import type { Verified } from "../pki/verified.js";
import {
	type EntryTable,
	type FindRecord,
	findEntry,
	hasContent,
	type IndexEntry,
	namedEntries,
} from "./index-entries.js";
import { parseHead } from "./index-head.js";
import { FORMAT_VERSION, HEADER_BYTES, LIMITS, MAGIC, RECORD_BYTES, TRUST_INDEX_OID } from "./index-layout.js";
import type { Policy } from "./policy.js";

export type { FindRecord, IndexEntry } from "./index-entries.js";

export interface TrustIndex {
	readonly products: readonly IndexedProduct[];
	readonly policy: Policy;
	/** Milliseconds since the epoch; the signer's word. */
	readonly compiledAt: number;
	/** Milliseconds since the epoch after which it is not to be used. */
	readonly notAfter: number | undefined;
	/** Who signed the catalogs: hexadecimal SHA-256 of their keys (SPKI). */
	readonly signers: readonly string[];
	readonly entryCount: number;
	/** Hexadecimal SHA-256 of the whole file. */
	readonly digest: string;
	/**
	 * The entry of a product's path, "/"-separated and relative to the product's root. Sound also in a program that replaced
	 * methods of built-in prototypes, which of the rest only `hasContent` is.
	 */
	find(product: string, path: string): IndexEntry | undefined;
	/** Whether a file of any product has this content, by hexadecimal SHA-256. As sound as `find`. */
	hasContent(sha256: string): boolean;
	/** All of a product's, in byte order of their paths. @throws ERR_INDEX_FORMAT on the way, where they are not */
	entries(product: string): Iterable<[path: string, entry: IndexEntry]>;
}

export interface IndexedProduct {
	readonly name: string;
	/** Absolute directory it was compiled from. */
	readonly root: string;
	/** The lowest of its catalogs'. */
	readonly sequence: number | undefined;
	/** Nobody signed it: whoever compiled took the directory as it was. */
	readonly adopted?: true | undefined;
	/** Hexadecimal SHA-256 of the catalog files. */
	readonly catalogs: readonly string[];
}

export interface TrustIndexVerifyOptions {
	readonly trust: TrustPolicy;
	/** Milliseconds since the epoch at which to judge; now when absent. */
	readonly at?: number;
	/** What a development identity signed. Default `refuse`. */
	readonly development?: "refuse" | "allow";
	/** A native search for entries, that finds the same. */
	readonly findRecord?: FindRecord | undefined;
}

export interface VerifiedTrustIndex {
	readonly index: Verified<TrustIndex>;
	readonly signer: VerifiedSigner;
	/** Milliseconds since the epoch. */
	readonly judgedAt: number;
}

/**
 * Verifies an index's signature, then whether its signer is trusted, and only then reads what it says. The octets must not
 * change afterwards: entries are read from them.
 * @throws ERR_INDEX_FORMAT, ERR_INDEX_EXPIRED, ERR_DER, ERR_CMS_FORMAT, ERR_SIGNATURE, ERR_SIGNED_ATTRIBUTES, ERR_WEAK_*,
 * ERR_UNSUPPORTED_ALGORITHM, ERR_CERTIFICATE_*, ERR_UNTRUSTED_SIGNER, ERR_DENIED, ERR_DEVELOPMENT_IDENTITY, ERR_LIMIT, ERR_POLICY
 */
export function verifyTrustIndex(bytes: Uint8Array, options: TrustIndexVerifyOptions): VerifiedTrustIndex {
	const { trust, at = Date.now(), development = "refuse" } = options;
	const parts = splitIndex(bytes);
	const { signedData, signer } = parts;
	const { certificate } = verifySigner(signer, {
		contentType: TRUST_INDEX_OID,
		contentValue: (digest) => (digest === "sha256" ? parts.contentSha256 : refuseDigest(digest)),
		certificates: signedData.certificates,
		profile: "default",
		what: WHAT,
	});
	const misnamed = signingCertificateProblem(signer, certificate, WHAT);
	if (misnamed !== undefined) throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${WHAT}: ${misnamed}`);
	const verifiedSigner = judgeSigner(certificate, trust, {
		intermediates: signedData.certificates,
		at,
		profile: "default",
	});
	refuseDeniedCatalog(trust.deny, bytes, parts.signed);
	if (verifiedSigner.development && development === "refuse") {
		const reason = `the development identity ${quote(certificate.subject.text)} signed it; sign it with a release key`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", `Cannot trust the ${WHAT}: ${reason}`);
	}
	const index = readIndex(parts, options.findRecord);
	refuseDeniedSources(index, trust.deny);
	if (index.notAfter !== undefined && at > index.notAfter) {
		const message = `Cannot use the ${WHAT}: it was to be used until ${new Date(index.notAfter).toISOString()}; compile it again`;
		throw new SigtoolError("ERR_INDEX_EXPIRED", message);
	}
	return { index: index as Verified<TrustIndex>, signer: verifiedSigner, judgedAt: at }; // Evidence turns into the brand.
}

/** Whoever signed what an index was compiled from, and that itself, are known by digests. @throws ERR_DENIED */
function refuseDeniedSources({ signers, products }: TrustIndex, deny: readonly Denial[] | undefined): void {
	for (const denial of deny ?? []) {
		const sources = denial.kind === "key" ? signers : products.flatMap(({ catalogs }) => catalogs);
		if ((denial.kind === "key" || denial.kind === "catalog") && sources.includes(denial.sha256)) {
			throw denied(`what the ${WHAT} was compiled from`, denial);
		}
	}
}

/** What an index says, whoever signed it. @throws ERR_INDEX_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_POLICY, ERR_LIMIT */
export function parseTrustIndex(bytes: Uint8Array): TrustIndex {
	return readIndex(splitIndex(bytes));
}

/** The octets that an index's signature covers. @throws as `parseTrustIndex` */
export function signedPartOf(bytes: Uint8Array): Uint8Array {
	return splitIndex(bytes).signed;
}

/** Whether octets begin as every index does. */
export function isTrustIndex(bytes: Uint8Array): boolean {
	return MAGIC.every((octet, position) => bytes[position] === octet);
}

const WHAT = "trust index";

interface IndexParts extends Omit<EntryTable, "findRecord"> {
	readonly head: Uint8Array;
	readonly entryCount: number;
	/** What the signature covers. */
	readonly signed: Uint8Array;
	readonly contentSha256: Uint8Array;
	readonly digest: string;
	readonly signedData: SignedData;
	readonly signer: SignerInfo;
}

/** Header, head, records, names, signature: one behind the other, to the last octet. */
function splitIndex(bytes: Uint8Array): IndexParts {
	if (!isTrustIndex(bytes)) throw malformed("it does not begin as one");
	if (bytes.length < HEADER_BYTES) throw malformed("it is truncated");
	const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
	const [version, headBytes, entryCount, nameBytes] = [8, 12, 16, 20].map((at) => header.getUint32(at, true));
	if (version !== FORMAT_VERSION)
		throw malformed(`its format has version ${version}, which this sigtool does not know`);
	if (headBytes > LIMITS.headBytes || entryCount > LIMITS.entries || nameBytes > LIMITS.nameBytes) {
		throw new SigtoolError("ERR_LIMIT", `Cannot read the ${WHAT}: it says it is larger than one may be`);
	}
	const recordsStart = HEADER_BYTES + headBytes;
	const namesStart = recordsStart + entryCount * RECORD_BYTES;
	const namesEnd = namesStart + nameBytes;
	if (namesEnd >= bytes.length) throw malformed("it is truncated");
	if (bytes.length - namesEnd > LIMITS.signatureBytes) throw malformed("its signature is too large");
	const signature = bytes.subarray(namesEnd);
	const content = createHash("sha256").update(bytes.subarray(0, namesEnd));
	return {
		bytes,
		recordsStart,
		namesStart,
		namesEnd,
		head: bytes.subarray(HEADER_BYTES, recordsStart),
		entryCount,
		signed: bytes.subarray(0, namesEnd),
		digest: content.copy().update(signature).digest("hex"),
		contentSha256: content.digest(),
		...parseSignature(signature),
	};
}

/** SignedData over content that is not in it, by one signer. */
function parseSignature(der: Uint8Array): Pick<IndexParts, "signedData" | "signer"> {
	const signedData = parseSignedData(der, WHAT);
	const { contentType, content, signers } = signedData;
	if (contentType !== TRUST_INDEX_OID) throw malformed(`its signature is for content of type ${contentType}`);
	if (content !== undefined) throw malformed("its signature brings content of its own");
	const [signer, ...others] = signers;
	if (signer === undefined || others.length > 0) throw malformed(`it has ${signers.length} signers`);
	return { signedData, signer };
}

function readIndex(parts: IndexParts, findRecord?: FindRecord): TrustIndex {
	const { bytes, recordsStart, namesStart, namesEnd, entryCount, digest, signer } = parts;
	const { policy, notAfter, signers, products: described } = parseHead(parts.head);
	const table: EntryTable = { bytes, recordsStart, namesStart, namesEnd, findRecord };
	const [names, starts]: [string[], number[]] = [[], []];
	let end = 0;
	for (const { name, entries } of described) {
		names.push(name);
		starts.push(end);
		end += entries;
	}
	starts.push(end);
	if (end !== entryCount) throw malformed(`its products have ${end} entries, and it has ${entryCount}`);
	/** Its number, or the number of products. As robust as `findEntry`. */
	const numberOf = (product: string) => {
		let number = 0;
		while (number < names.length && names[number] !== product) number++;
		return number;
	};
	return {
		products: described.map(({ entries: _, ...product }) => product),
		policy,
		compiledAt: signingTime(signer),
		notAfter,
		signers,
		entryCount,
		digest,
		find(product, path) {
			const number = numberOf(product);
			return number === names.length ? undefined : findEntry(table, starts[number], starts[number + 1], path);
		},
		hasContent: (sha256) => hasContent(table, entryCount, sha256),
		entries(product) {
			const number = numberOf(product);
			return number === names.length ? [] : namedEntries(table, starts[number], starts[number + 1]);
		},
	};
}

function signingTime(signer: SignerInfo): number {
	const value = signedAttribute(signer, SIGNING_TIME_OID, WHAT);
	if (value === undefined) throw malformed("its signature names no time");
	return new DerReader(value, WHAT).time();
}

export const SIGNING_TIME_OID = "1.2.840.113549.1.9.5";

function refuseDigest(digest: string): never {
	throw new SigtoolError(
		"ERR_UNSUPPORTED_ALGORITHM",
		`Cannot check the ${WHAT}: it is signed with ${digest}, not sha256`,
	);
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_INDEX_FORMAT", `Cannot read the ${WHAT}: ${reason}`);
}
