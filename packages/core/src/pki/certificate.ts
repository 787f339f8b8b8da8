/**
 * X.509 certificates, RFC 5280 §4: v1 to v3, strict DER, exact octets kept.
 *
 * Tolerated because certificates under real catalogs need it: serial numbers that are zero or negative, T61String names,
 * v1 without extensions, keyUsage with trailing zero bits, key types that sigtool does not use (they are refused when
 * used, not when read).
 */

import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { compareBytes, context, DerReader, TAG } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { type CertificateExtensions, NO_EXTENSIONS, readExtensions } from "./extensions.js";
import { type DistinguishedName, readName } from "./name.js";
import { decodePem } from "./pem-blocks.js";
import { type AlgorithmIdentifier, RSA_ENCRYPTION, readAlgorithm } from "./signature-algorithm.js";

export interface Certificate {
	/** The certificate as received, and the part of it that is signed. Views into the bytes parsed, as all octets here. */
	readonly der: Uint8Array;
	readonly tbs: Uint8Array;
	readonly version: 1 | 2 | 3;
	/** Value octets of the INTEGER, two's complement. */
	readonly serial: Uint8Array;
	readonly issuer: DistinguishedName;
	readonly subject: DistinguishedName;
	/** Validity, both ends included, milliseconds since the epoch. */
	readonly notBefore: number;
	readonly notAfter: number;
	/** SubjectPublicKeyInfo element. */
	readonly spki: Uint8Array;
	readonly keyAlgorithm: KeyAlgorithm;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
	readonly extensions: CertificateExtensions;
}

export type KeyAlgorithm =
	| { readonly kind: "rsa"; readonly bits: number }
	/** `P-256`, `P-384`, `P-521`, another curve's OID, or `explicit`. */
	| { readonly kind: "ec"; readonly curve: string }
	| { readonly kind: "other"; readonly oid: string };

/** Octets of the largest certificate read; the largest seen under a real catalog has 2 KB. */
export const MAX_CERTIFICATE_SIZE = 65_536;

/** Extension that marks a development identity: not critical, value NULL. An arc of our own, from a UUID. */
export const DEVELOPMENT_MARKER_OID = "2.25.160338890626714142025452589499789174236";

/** One DER certificate, nothing behind it. @throws ERR_DER, ERR_CERTIFICATE_FORMAT, ERR_LIMIT */
export function parseCertificate(der: Uint8Array): Certificate {
	if (der.length > MAX_CERTIFICATE_SIZE) {
		throw new SigtoolError("ERR_LIMIT", `Cannot parse certificate: it is larger than ${MAX_CERTIFICATE_SIZE} bytes`);
	}
	const reader = new DerReader(der, "certificate");
	const outer = reader.open(TAG.SEQUENCE);
	const tbs = reader.element(TAG.SEQUENCE);
	const signatureAlgorithmStart = reader.position;
	const signatureAlgorithm = readAlgorithm(reader);
	const algorithmDer = der.subarray(signatureAlgorithmStart, reader.position);
	const signature = reader.bitStringOctets();
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the certificate");
	return { der, tbs, ...parseTbs(tbs, algorithmDer), signatureAlgorithm, signature };
}

/** Every CERTIFICATE block of a PEM text, others skipped. @throws as parseCertificate; none is an error */
export function certificatesFromPem(text: string): Certificate[] {
	const blocks = decodePem(text, "CERTIFICATE");
	if (blocks.length > 0) return blocks.map(parseCertificate);
	const instead = /^-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/m.test(text) ? ", only a private key" : "";
	throw new SigtoolError(
		"ERR_CERTIFICATE_FORMAT",
		`Cannot read certificates from PEM: it holds no certificate${instead}`,
	);
}

/** Certificates of a file: one in DER, or PEM. @throws as parseCertificate */
export function certificatesFromFileBytes(bytes: Uint8Array): Certificate[] {
	if (bytes[0] === TAG.SEQUENCE) return [parseCertificate(bytes)];
	return certificatesFromPem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
}

/**
 * The key, made when first asked for. One that takes long to check a signature with is never made.
 * @throws ERR_WEAK_KEY for RSA above 8192 bits and explicit curves; ERR_CERTIFICATE_FORMAT when node:crypto cannot read it
 */
export function publicKeyOf(certificate: Certificate): KeyObject {
	let key = publicKeys.get(certificate);
	if (key === undefined) {
		refuseCostlyKey(certificate);
		try {
			key = createPublicKey({ key: Buffer.from(certificate.spki), format: "der", type: "spki" });
		} catch (cause) {
			const message = `Cannot use the public key of ${quote(certificate.subject.text)}: it is malformed or of an unknown type`;
			throw new SigtoolError("ERR_CERTIFICATE_FORMAT", message, { cause });
		}
		publicKeys.set(certificate, key);
	}
	return key;
}

/** The pin: SHA-256 of the SubjectPublicKeyInfo element, lowercase hexadecimal. */
export function spkiSha256(certificate: Certificate): string {
	return hash("sha256", certificate.spki, "hex");
}

/** True when the certificate carries the development marker, in whatever form: the marker only ever takes trust away. */
export function isDevelopmentCertificate(certificate: Certificate): boolean {
	return certificate.extensions.all.has(DEVELOPMENT_MARKER_OID);
}

const publicKeys = new WeakMap<Certificate, KeyObject>();

/** A check takes a time that grows with the square of the modulus; the largest seen under a real catalog has 4096 bits. */
const MAX_RSA_BITS = 8192;

function refuseCostlyKey({ keyAlgorithm, subject }: Certificate): void {
	const refuse = (reason: string) => {
		throw new SigtoolError("ERR_WEAK_KEY", `Cannot use the public key of ${quote(subject.text)}: ${reason}`);
	};
	if (keyAlgorithm.kind === "rsa" && keyAlgorithm.bits > MAX_RSA_BITS) {
		refuse(`its RSA key has ${keyAlgorithm.bits} bits, more than ${MAX_RSA_BITS}`);
	}
	if (keyAlgorithm.kind === "ec" && keyAlgorithm.curve === "explicit") refuse("its curve has no name");
}

type TbsFields = Omit<Certificate, "der" | "tbs" | "signatureAlgorithm" | "signature">;

/** TBSCertificate, RFC 5280 §4.1.2. `algorithmDer` is the outer signatureAlgorithm, which the inner one must equal. */
function parseTbs(tbs: Uint8Array, algorithmDer: Uint8Array): TbsFields {
	const reader = new DerReader(tbs, "certificate");
	const outer = reader.open(TAG.SEQUENCE);
	const version = readVersion(reader);
	const serial = reader.integerBytes();
	if (compareBytes(reader.element(TAG.SEQUENCE), algorithmDer) !== 0) {
		throw new SigtoolError("ERR_CERTIFICATE_FORMAT", "Cannot parse certificate: its two signature algorithms differ");
	}
	const issuer = readName(reader);
	const validity = reader.open(TAG.SEQUENCE);
	const notBefore = reader.time();
	const notAfter = reader.time();
	reader.close(validity);
	const subject = readName(reader);
	const spki = reader.element(TAG.SEQUENCE);
	const keyAlgorithm = parseKeyAlgorithm(spki);
	if (version >= 2) skipUniqueIds(reader);
	const extensions = version === 3 && !reader.done ? readExplicitExtensions(reader) : NO_EXTENSIONS;
	reader.close(outer);
	return { version, serial, issuer, subject, notBefore, notAfter, spki, keyAlgorithm, extensions };
}

/** [0] EXPLICIT INTEGER DEFAULT v1(0). */
function readVersion(reader: DerReader): 1 | 2 | 3 {
	if (reader.peek() !== context(0)) return 1;
	const outer = reader.open(context(0));
	const version = reader.integer();
	reader.close(outer);
	if (version === 1) return 2;
	if (version === 2) return 3;
	throw new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot parse certificate: version number ${version}`);
}

/** [1] and [2] IMPLICIT BIT STRING OPTIONAL: read over. RFC 5280 §4.1.2.8. */
function skipUniqueIds(reader: DerReader): void {
	if (reader.peek() === context(1, "primitive")) reader.next();
	if (reader.peek() === context(2, "primitive")) reader.next();
}

function readExplicitExtensions(reader: DerReader): CertificateExtensions {
	const outer = reader.open(context(3));
	const extensions = readExtensions(reader);
	reader.close(outer);
	return extensions;
}

/**
 * SubjectPublicKeyInfo: RSA (RFC 3279 §2.3.1), EC on a named curve (RFC 5480 §2.1), or something else. Of the encodings
 * that mean one key only one is taken, because keys are told apart by the hash of it: NULL beside rsaEncryption, numbers
 * that are positive, nothing behind them, points uncompressed. OpenSSL takes others too.
 */
function parseKeyAlgorithm(spki: Uint8Array): KeyAlgorithm {
	const reader = new DerReader(spki, "public key");
	const outer = reader.open(TAG.SEQUENCE);
	const { oid, parameters } = readAlgorithm(reader);
	const key = reader.bitStringOctets();
	reader.close(outer);
	if (oid === RSA_ENCRYPTION) {
		if (parameters?.[0] !== TAG.NULL) throw malformedKey("rsaEncryption without NULL parameters");
		return { kind: "rsa", bits: modulusBits(key) };
	}
	if (oid !== EC_PUBLIC_KEY) return { kind: "other", oid };
	if (parameters?.[0] !== TAG.OID) return { kind: "ec", curve: "explicit" };
	if (key[0] !== UNCOMPRESSED_POINT) throw malformedKey("its point is not in uncompressed form");
	const curve = new DerReader(parameters, "public key").oid();
	return { kind: "ec", curve: CURVES[curve] ?? curve };
}

/** RSAPublicKey ::= SEQUENCE { modulus, publicExponent }. */
function modulusBits(rsaPublicKey: Uint8Array): number {
	const reader = new DerReader(rsaPublicKey, "public key");
	const outer = reader.open(TAG.SEQUENCE);
	const modulus = reader.integerBytes();
	const exponent = reader.integerBytes();
	reader.close(outer);
	if (!reader.done) throw malformedKey("bytes behind the numbers of its RSA key");
	if (modulus[0] >= 0x80 || exponent[0] >= 0x80) throw malformedKey("its modulus or public exponent is negative");
	if (bitLength(exponent) > MAX_EXPONENT_BITS) {
		throw malformedKey(`its public exponent has more than ${MAX_EXPONENT_BITS} bits`);
	}
	return bitLength(modulus);
}

/** Of the value octets of a positive INTEGER. */
function bitLength(value: Uint8Array): number {
	const octets = value[0] === 0 ? value.subarray(1) : value;
	return octets.length === 0 ? 0 : octets.length * 8 - Math.clz32(octets[0]) + 24;
}

function malformedKey(reason: string): SigtoolError {
	return new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot parse public key: ${reason}`);
}

/** Common ones have 17 bits, Microsoft's RSAPUBKEY has room for 32. The cost of checking a signature grows with it. */
const MAX_EXPONENT_BITS = 32;
/** SEC 1 §2.3.3. */
const UNCOMPRESSED_POINT = 0x04;
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const CURVES: Readonly<Record<string, string>> = {
	"1.2.840.10045.3.1.7": "P-256",
	"1.3.132.0.34": "P-384",
	"1.3.132.0.35": "P-521",
};
