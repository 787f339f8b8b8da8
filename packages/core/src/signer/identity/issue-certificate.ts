/** Issues X.509 v3 certificates for code signing (RFC 5280) and encodes requests for such certificates. */

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import {
	bitString,
	context,
	DerReader,
	encode,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	time,
} from "../../asn1/der.js";
import { SigtoolError } from "../../errors.js";
import { type Certificate, DEVELOPMENT_MARKER_OID, parseCertificate } from "../../pki/certificate.js";

export interface CertificateOrder {
	/** The only attribute of the subject. It has 1 to 64 characters (RFC 5280 appendix A, ub-common-name). */
	readonly commonName: string;
	/** The subject's key, public or private. */
	readonly key: KeyObject;
	/** The authority's certificate and private key. If undefined, the certificate is self-signed with `key`. */
	readonly issuer?: { readonly certificate: Certificate; readonly key: KeyObject };
	/**
	 * The validity is from `notBefore` to `notAfter`, both included, in milliseconds since the epoch. Fractions of a
	 * second are dropped.
	 */
	readonly notBefore: number;
	readonly notAfter: number;
	/**
	 * `development` adds the marker of a development identity. An `authority` issues certificates for release
	 * identities.
	 */
	readonly kind: "release" | "development" | "authority";
}

/**
 * Issues a code-signing certificate with digitalSignature, codeSigning, key identifiers and a random serial number. The
 * certificate of an authority has keyCertSign and cRLSign in place of digitalSignature and codeSigning, and allows no
 * authority below it. The key that signs is RSA or EC and signs with SHA-256.
 * @throws ERR_USAGE for a name of the wrong length
 */
export function issueCertificate(order: CertificateOrder): Certificate {
	const { commonName, key, issuer, notBefore, notAfter } = order;
	const subject = encodeName(commonName);
	const signingKey = issuer?.key ?? key;
	const algorithm = SIGNATURE_ALGORITHM[signingKey.asymmetricKeyType === "ec" ? "ec" : "rsa"];
	const tbs = sequence(
		encode(context(0), integer(2)), // The value 2 means v3.
		encode(TAG.INTEGER, newSerial()),
		algorithm,
		issuer?.certificate.subject.der ?? subject,
		sequence(time(notBefore), time(notAfter)),
		subject,
		spkiOf(key),
		encode(context(3), sequence(...extensions(order))),
	);
	return parseCertificate(sequence(tbs, algorithm, bitString(sign("sha256", tbs, signingKey))));
}

export function certificateToPem({ der }: Certificate): string {
	return toPem("CERTIFICATE", der);
}

/** Encodes DER as PEM with lines of 64 characters. RFC 7468 §5, §7. */
export function toPem(label: "CERTIFICATE" | "CERTIFICATE REQUEST" | "ENCRYPTED PRIVATE KEY", der: Uint8Array): string {
	const base64 = Buffer.from(der).toString("base64");
	return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}

/** Encodes a Name with one commonName, which is a UTF8String. §4.1.2.4. */
function encodeName(commonName: string): Uint8Array {
	const { length } = [...commonName];
	if (length === 0 || length > 64) {
		throw new SigtoolError("ERR_USAGE", `Give a common name of 1 to 64 characters, not ${length}`);
	}
	return sequence(setOf(sequence(oid(OID.commonName), encode(TAG.UTF8_STRING, Buffer.from(commonName, "utf8")))));
}

/**
 * Returns a serial number of sixteen random bytes, of which the first two bits are 01. So the number is positive and in
 * minimal form. §4.1.2.2.
 */
function newSerial(): Uint8Array {
	const serial = randomBytes(16);
	serial[0] = (serial[0] & 0x3f) | 0x40;
	return serial;
}

function extensions({ key, issuer, kind }: CertificateOrder): Uint8Array[] {
	const keyId = keyIdentifier(spkiOf(key));
	const authorityKeyId =
		issuer === undefined
			? keyId
			: (issuer.certificate.extensions.subjectKeyId ?? keyIdentifier(issuer.certificate.spki));
	const list = [
		...(kind === "authority" ? AUTHORITY : CODE_SIGNER),
		extension(OID.subjectKeyId, "optional", octetString(keyId)),
		extension(OID.authorityKeyId, "optional", sequence(encode(context(0, "primitive"), authorityKeyId))),
	];
	if (kind === "development") list.push(extension(DEVELOPMENT_MARKER_OID, "optional", NULL));
	return list;
}

/**
 * Encodes a PKCS#10 request (RFC 2986) for a code-signing certificate with the subject and key of this certificate.
 * `sign` signs with this key, as `Signer.sign` does.
 */
export async function requestCertificate(
	{ subject, spki, keyAlgorithm }: Certificate,
	sign: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
	const extensions = sequence(oid(OID.extensionRequest), setOf(sequence(...CODE_SIGNER)));
	const info = sequence(integer(0), subject.der, spki, encode(context(0), extensions));
	const algorithm = SIGNATURE_ALGORITHM[keyAlgorithm.kind === "ec" ? "ec" : "rsa"];
	return sequence(info, algorithm, bitString(await sign(info)));
}

/** Encodes Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }. §4.1. */
function extension(id: string, weight: "critical" | "optional", value: Uint8Array): Uint8Array {
	return weight === "critical"
		? sequence(oid(id), encode(TAG.BOOLEAN, Uint8Array.of(0xff)), octetString(value))
		: sequence(oid(id), octetString(value));
}

/**
 * Returns the SHA-1 over the key's bits, RFC 5280 §4.2.1.2 (1). evmctl computes the same identifier if it has no
 * certificate, and then finds the key by it. The SHA-1 only identifies the key and proves nothing.
 */
function keyIdentifier(spki: Uint8Array): Uint8Array {
	const reader = new DerReader(spki, "public key");
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	return createHash("sha1").update(reader.bitStringBytes()).digest();
}

function spkiOf(key: KeyObject): Uint8Array {
	const publicKey = key.type === "private" ? createPublicKey(key) : key;
	return publicKey.export({ format: "der", type: "spki" });
}

const OID = {
	commonName: "2.5.4.3",
	subjectKeyId: "2.5.29.14",
	keyUsage: "2.5.29.15",
	basicConstraints: "2.5.29.19",
	authorityKeyId: "2.5.29.35",
	extendedKeyUsage: "2.5.29.37",
	codeSigning: "1.3.6.1.5.5.7.3.3",
	extensionRequest: "1.2.840.113549.1.9.14",
} as const;

/** A code signer gets these extensions. cA is absent and therefore FALSE. Bit 0 of keyUsage is digitalSignature. */
const CODE_SIGNER = [
	extension(OID.basicConstraints, "critical", sequence()),
	extension(OID.keyUsage, "critical", encode(TAG.BIT_STRING, Uint8Array.of(7, 0x80))),
	extension(OID.extendedKeyUsage, "optional", sequence(oid(OID.codeSigning))),
];

/**
 * An authority gets these extensions. cA is TRUE and pathLenConstraint is 0. Bits 5 and 6 of keyUsage are keyCertSign
 * and cRLSign.
 */
const AUTHORITY = [
	extension(
		OID.basicConstraints,
		"critical",
		sequence(encode(TAG.BOOLEAN, Uint8Array.of(0xff)), encode(TAG.INTEGER, Uint8Array.of(0))),
	),
	extension(OID.keyUsage, "critical", encode(TAG.BIT_STRING, Uint8Array.of(1, 0x06))),
];

/**
 * The identifiers are sha256WithRSAEncryption with NULL (RFC 4055 §5) and ecdsa-with-SHA256 without parameters (RFC
 * 5758 §3.2).
 */
const SIGNATURE_ALGORITHM = {
	rsa: sequence(oid("1.2.840.113549.1.1.11"), NULL),
	ec: sequence(oid("1.2.840.10045.4.3.2")),
} as const;
