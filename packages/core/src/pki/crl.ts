/**
 * Reads certificate revocation lists (RFC 5280 §5). Refuses delta lists, indirect lists, and lists for only some
 * reasons, even if the extension that marks such a list is not critical. If a list covers only some certificates, it
 * cannot prove that another certificate is good.
 *
 * Every Uint8Array of a result is a view into the parsed bytes.
 */

import { compareBytes, context, DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { isSameName } from "./canonical-name.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import { checkEntries, findRevocation } from "./crl-entries.js";
import { type ListScope, parseListScope, uncoveredBy } from "./distribution-points.js";
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

/** A certificate revocation list. Its signature is verified when it is used. */
export interface RevocationList {
	/** The caller's name for the list in messages, for example its file. */
	readonly name: string;
	readonly issuer: DistinguishedName;
	/** The time of the list, in milliseconds since the epoch. */
	readonly thisUpdate: number;
	/** The time of the next list, in milliseconds since the epoch. Undefined if the list names none. */
	readonly nextUpdate: number | undefined;
	/**
	 * The list still names revoked certificates that expired at this time or later, in milliseconds since the epoch. If
	 * undefined, the list may leave out every certificate that has expired.
	 */
	readonly expiredSince: number | undefined;
	readonly scope: ListScope;
	/** The element revokedCertificates. A list without this element revokes no certificate. */
	readonly entries: Uint8Array | undefined;
	readonly tbs: Uint8Array;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
}

/**
 * Parses the lists of a file: one in DER, or any number in PEM. Returns no list for a text without PEM blocks.
 * @throws ERR_DER, ERR_LIMIT, ERR_CERTIFICATE_FORMAT, ERR_CERTIFICATE_EXTENSION
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { defaultTrust, revocationListsFromFileBytes, verifyPath } from "@sigtool/core/read";
 *
 * const lists = revocationListsFromFileBytes(readFileSync("ca.crl"), "ca.crl");
 * const { verdict } = await verifyPath("lib", { trust: defaultTrust(), revocation: { lists } });
 * console.log(verdict); // trusted
 * ```
 */
export function revocationListsFromFileBytes(bytes: Uint8Array, name: string): RevocationList[] {
	if (bytes[0] === TAG.SEQUENCE) return [parseRevocationList(bytes, name)];
	return decodePem(bytes, "X509 CRL").map((der) => parseRevocationList(der, name));
}

/**
 * Parses one list in DER.
 * @throws ERR_DER, ERR_LIMIT, ERR_CERTIFICATE_FORMAT; ERR_CERTIFICATE_EXTENSION for a list that the head of this file
 * refuses, or with a critical extension that is not applied
 */
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
 * Returns the status of a certificate by this list, or undefined if the list is from another issuer. The issuer's name
 * may be spelled in another way, because the issuer's own key must have signed the list. A certificate that the list
 * names is revoked, whatever the list covers. Any other certificate is good, but only if the list covers it.
 * @throws ERR_CERTIFICATE_SIGNATURE, ERR_CERTIFICATE_PURPOSE, ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM, ERR_WEAK_KEY,
 * ERR_DER; ERR_CERTIFICATE_EXTENSION if the list does not cover the certificate
 */
export function statementOfList(
	list: RevocationList,
	certificate: Certificate,
	issuer: Certificate,
	profile: Profile,
): RevocationStatement | undefined {
	if (!isSameName(list.issuer, certificate.issuer)) return undefined;
	const { keyUsage } = issuer.extensions;
	if (keyUsage !== undefined && (keyUsage & KEY_USAGE.cRLSign) === 0) {
		throw refusal("ERR_CERTIFICATE_PURPOSE", list, "the key usage of its issuer does not allow it");
	}
	const scheme = signatureScheme(list.signatureAlgorithm, profile, "revocation list");
	if (!isSignatureOf(publicKeyOf(issuer), scheme, list.tbs, list.signature)) {
		throw refusal("ERR_CERTIFICATE_SIGNATURE", list, "its issuer's key did not sign it");
	}
	const { name, thisUpdate, nextUpdate, expiredSince, entries } = list;
	const common = { source: `revocation list ${name}`, thisUpdate, nextUpdate, expiredSince };
	const revocation = entries && findRevocation(entries, certificate.serial);
	if (revocation !== undefined) return { ...common, status: "revoked", ...revocation };
	const gap = uncoveredBy(list.scope, certificate);
	if (gap !== undefined) throw refusal("ERR_CERTIFICATE_EXTENSION", list, gap);
	return { ...common, status: "good" };
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
	if (entries !== undefined) checkEntries(entries);
	const extensions = reader.done ? new Map<string, Extension>() : readExplicitExtensions(reader);
	reader.close(outer);
	return {
		issuer,
		thisUpdate,
		nextUpdate,
		entries,
		scope: scopeOf(extensions),
		expiredSince: expiredSinceOf(extensions),
	};
}

function readExplicitExtensions(reader: DerReader): ReadonlyMap<string, Extension> {
	const outer = reader.open(context(0));
	const extensions = readExtensionMap(reader);
	reader.close(outer);
	return extensions;
}

/**
 * Reads which certificates the list covers, §5.2.5.
 * @throws ERR_CERTIFICATE_EXTENSION for a list that proves nothing about any certificate (§5.2.4, §5.2.5)
 */
function scopeOf(extensions: ReadonlyMap<string, Extension>): ListScope {
	const refuse = (reason: string) =>
		new SigtoolError("ERR_CERTIFICATE_EXTENSION", `Cannot use the revocation list: ${reason}`);
	for (const [oid, { critical }] of extensions) {
		if (oid === DELTA_CRL_INDICATOR) throw refuse("it is a delta: it has only what changed since another list");
		if (critical && oid !== ISSUING_DISTRIBUTION_POINT) throw refuse(`its critical extension ${oid} is not applied`);
	}
	const extension = extensions.get(ISSUING_DISTRIBUTION_POINT);
	const scope = extension === undefined ? {} : parseListScope(extension.value);
	if (scope.partial !== undefined) throw refuse(scope.partial);
	return scope;
}

/** Reads the extension ExpiredCertsOnCRL, X.509 §9.5.2.8. */
function expiredSinceOf(extensions: ReadonlyMap<string, Extension>): number | undefined {
	const extension = extensions.get("2.5.29.60");
	return extension && new DerReader(extension.value, "revocation list").time();
}

function refusal(code: SigtoolError["code"], { name }: RevocationList, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot use revocation list ${name}: ${reason}`);
}

const DELTA_CRL_INDICATOR = "2.5.29.27";
const ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
