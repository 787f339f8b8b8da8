/**
 * Reads certificate revocation lists (RFC 5280 §5) that are complete for the certificates of their issuer. Delta lists,
 * indirect lists, and lists of only some certificates or reasons have a critical extension. They are refused, because
 * every critical extension is refused.
 *
 * Entries are searched in place and not turned into objects, because some lists have a hundred thousand entries.
 * Results are views into the parsed bytes.
 */

import { compareBytes, context, DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import { type Extension, KEY_USAGE, readExtensionMap } from "./extensions.js";
import { type DistinguishedName, readName } from "./name.js";
import { decodePem } from "./pem-blocks.js";
import type { RevocationStatement } from "./revocation.js";
import {
	type AlgorithmIdentifier,
	isSignatureOf,
	type Profile,
	readAlgorithm,
	signatureScheme,
} from "./signature-algorithm.js";

export interface RevocationList {
	/** The file that the list came from, for messages. */
	readonly name: string;
	readonly issuer: DistinguishedName;
	/** Milliseconds since the epoch. */
	readonly thisUpdate: number;
	readonly nextUpdate: number | undefined;
	/**
	 * The list keeps certificates that expire at this time or later, in milliseconds since the epoch. If undefined, the
	 * list may drop every certificate that has expired.
	 */
	readonly expiredSince: number | undefined;
	/**
	 * The element revokedCertificates. It is undefined if the list has no such element, and then no certificate is
	 * revoked.
	 */
	readonly entries: Uint8Array | undefined;
	readonly tbs: Uint8Array;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
}

/**
 * Parses the lists of a file: one in DER, or any number in PEM.
 * @throws ERR_DER, ERR_CERTIFICATE_FORMAT, ERR_CERTIFICATE_EXTENSION
 */
export function revocationListsFromFileBytes(bytes: Uint8Array, name: string): RevocationList[] {
	if (bytes[0] === TAG.SEQUENCE) return [parseRevocationList(bytes, name)];
	return decodePem(Buffer.from(bytes).toString("latin1"), "X509 CRL").map((der) => parseRevocationList(der, name));
}

/** Parses one list in DER. @throws ERR_DER; ERR_CERTIFICATE_EXTENSION for a list that is not complete */
export function parseRevocationList(der: Uint8Array, name: string): RevocationList {
	const reader = new DerReader(der, "revocation list");
	const outer = reader.open(TAG.SEQUENCE);
	const tbs = reader.element(TAG.SEQUENCE);
	const start = reader.position;
	const signatureAlgorithm = readAlgorithm(reader);
	const algorithm = der.subarray(start, reader.position);
	const signature = reader.bitStringBytes();
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the list");
	return { name, ...parseTbs(tbs, algorithm), tbs, signatureAlgorithm, signature };
}

/**
 * Returns the status of a certificate by this list, or undefined if the list is from another issuer. The issuer's own
 * key must have signed the list.
 * @throws ERR_CERTIFICATE_SIGNATURE, ERR_CERTIFICATE_PURPOSE, ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM, ERR_WEAK_KEY,
 * ERR_DER
 */
export function statementOfList(
	list: RevocationList,
	certificate: Certificate,
	issuer: Certificate,
	profile: Profile,
): RevocationStatement | undefined {
	if (compareBytes(list.issuer.der, certificate.issuer.der) !== 0) return undefined;
	const { keyUsage } = issuer.extensions;
	if (keyUsage !== undefined && (keyUsage & KEY_USAGE.cRLSign) === 0) {
		throw refusal("ERR_CERTIFICATE_PURPOSE", list, "the key usage of its issuer does not allow it");
	}
	const scheme = signatureScheme(list.signatureAlgorithm, profile, "revocation list");
	if (!isSignatureOf(publicKeyOf(issuer), scheme, list.tbs, list.signature)) {
		throw refusal("ERR_CERTIFICATE_SIGNATURE", list, "its issuer's key did not sign it");
	}
	const { name, thisUpdate, nextUpdate, expiredSince } = list;
	const common = { source: `revocation list ${name}`, thisUpdate, nextUpdate, expiredSince };
	const entry = findEntry(list, certificate.serial);
	return entry === undefined ? { ...common, status: "good" } : { ...common, status: "revoked", ...entry };
}

/** Parses TBSCertList, RFC 5280 §5.1.2. */
function parseTbs(tbs: Uint8Array, algorithm: Uint8Array) {
	const reader = new DerReader(tbs, "revocation list");
	const outer = reader.open(TAG.SEQUENCE);
	if (reader.peek() === TAG.INTEGER && reader.integer() !== 1) reader.fail("its version is not 2");
	if (compareBytes(reader.element(TAG.SEQUENCE), algorithm) !== 0) reader.fail("its two signature algorithms differ");
	const issuer = readName(reader);
	const thisUpdate = reader.time();
	const hasNext = reader.peek() === TAG.UTC_TIME || reader.peek() === TAG.GENERALIZED_TIME;
	const nextUpdate = hasNext ? reader.time() : undefined;
	const entries = reader.peek() === TAG.SEQUENCE ? reader.element() : undefined;
	const extensions = reader.done ? new Map<string, Extension>() : readExplicitExtensions(reader);
	reader.close(outer);
	return { issuer, thisUpdate, nextUpdate, entries, expiredSince: expiredSinceOf(extensions) };
}

function readExplicitExtensions(reader: DerReader): ReadonlyMap<string, Extension> {
	const outer = reader.open(context(0));
	const extensions = readExtensionMap(reader);
	reader.close(outer);
	for (const [oid, { critical }] of extensions) {
		if (!critical) continue;
		const message = `Cannot use the revocation list: its critical extension ${oid} is not applied`;
		throw new SigtoolError("ERR_CERTIFICATE_EXTENSION", message);
	}
	return extensions;
}

/** Reads the extension ExpiredCertsOnCRL, X.509 §9.5.2.8. */
function expiredSinceOf(extensions: ReadonlyMap<string, Extension>): number | undefined {
	const extension = extensions.get("2.5.29.60");
	return extension && new DerReader(extension.value, "revocation list").time();
}

/**
 * Searches SEQUENCE OF SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions OPTIONAL } for a
 * serial number.
 */
function findEntry({ entries }: RevocationList, serial: Uint8Array) {
	if (entries === undefined) return undefined;
	const reader = new DerReader(entries, "revocation list");
	reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const outer = reader.open(TAG.SEQUENCE);
		// `integerBytes` refuses a number that is not minimal. In another encoding, the search would miss a revoked
		// serial number.
		if (compareBytes(reader.integerBytes(), serial) === 0) {
			const revokedAt = reader.time();
			return { revokedAt, ...(reader.done ? {} : readEntryExtensions(readExtensionMap(reader))) };
		}
		reader.leave(outer);
	}
	return undefined;
}

/**
 * Reads reasonCode and invalidityDate, RFC 5280 §5.3. They are used for OCSP responses too, which may have
 * invalidityDate.
 */
export function readEntryExtensions(extensions: ReadonlyMap<string, Extension>): {
	reason?: number;
	invalidSince?: number;
} {
	const reason = extensions.get("2.5.29.21");
	const invalidity = extensions.get("2.5.29.24");
	return {
		...(reason && { reason: new DerReader(reason.value, "revocation").integer(TAG.ENUMERATED) }),
		...(invalidity && { invalidSince: new DerReader(invalidity.value, "revocation").time() }),
	};
}

function refusal(code: SigtoolError["code"], { name }: RevocationList, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot use revocation list ${name}: ${reason}`);
}
