/**
 * Parses X.509 certificates (RFC 5280 §4): v1 to v3, in strict DER.
 *
 * The parser accepts some deviations that certificates of real catalogs have: serial numbers that are zero or negative,
 * T61String names, v1 without extensions, and keyUsage with trailing zero bits. A key of a type that sigtool does not
 * support is refused only when the key is used.
 */

import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { compareBytes, context, DerReader, TAG } from "../asn1/der.js";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import { type CertificateExtensions, NO_EXTENSIONS, readExtensions } from "./extensions.js";
import { describeFileBytes } from "./file-kind.js";
import { type DistinguishedName, readName } from "./name.js";
import { decodePem } from "./pem-blocks.js";
import { type AlgorithmIdentifier, RSA_ENCRYPTION, readAlgorithm } from "./signature-algorithm.js";

/** An X.509 certificate. To parse it verifies nothing. */
export interface Certificate {
	/**
	 * `der` is the certificate as received, and `tbs` is the part of `der` that the issuer signed. Every Uint8Array
	 * here is a view into the parsed bytes.
	 */
	readonly der: Uint8Array;
	readonly tbs: Uint8Array;
	readonly version: 1 | 2 | 3;
	/** The value bytes of the serial number's INTEGER: two's complement, most significant byte first. */
	readonly serial: Uint8Array;
	readonly issuer: DistinguishedName;
	readonly subject: DistinguishedName;
	/** The validity is from `notBefore` to `notAfter`, both included, in milliseconds since the epoch. */
	readonly notBefore: number;
	/** See `notBefore`. */
	readonly notAfter: number;
	/** The SubjectPublicKeyInfo as received, with tag and length. A pin is the SHA-256 of these bytes. */
	readonly spki: Uint8Array;
	readonly keyAlgorithm: KeyAlgorithm;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
	readonly extensions: CertificateExtensions;
}

export type KeyAlgorithm =
	| {
			readonly kind: "rsa";
			/** The length of the modulus. */
			readonly bits: number;
	  }
	/** The curve is `P-256`, `P-384`, `P-521`, `SM2`, the OID of another curve, or `explicit`. */
	| { readonly kind: "ec"; readonly curve: string }
	| { readonly kind: "other"; readonly oid: string };

/** A certificate has at most this many bytes. The largest certificate in the chains of real catalogs has 2 KB. */
export const MAX_CERTIFICATE_SIZE = 65_536;

/**
 * The identifier of the extension that marks a development identity. The extension is not critical and its value is
 * NULL. The identifier was made for sigtool from a UUID.
 */
export const DEVELOPMENT_MARKER_OID = "2.25.160338890626714142025452589499789174236";

/**
 * Parses one certificate in DER and refuses bytes behind it.
 * @throws ERR_DER, ERR_CERTIFICATE_FORMAT, ERR_LIMIT
 * @example
 * ```ts
 * import { X509Certificate } from "node:crypto";
 * import { readFileSync } from "node:fs";
 * import { parseCertificate } from "@sigtool/core/read";
 *
 * const { raw } = new X509Certificate(readFileSync("ca.crt"));
 * console.log(parseCertificate(raw).keyAlgorithm); // { kind: 'ec', curve: 'P-256' }
 * ```
 */
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
	const signature = reader.bitStringBytes();
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the certificate");
	return { der, tbs, ...parseTbs(tbs, algorithmDer), signatureAlgorithm, signature };
}

/**
 * Parses every CERTIFICATE block of a PEM text and skips other blocks.
 * @throws as `parseCertificate`; ERR_CERTIFICATE_FORMAT for malformed PEM, or if there is no such block
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem } from "@sigtool/core/read";
 *
 * const [certificate] = certificatesFromPem(readFileSync("ca.crt", "utf8"));
 * console.log(certificate.subject.text); // CN=ca
 * ```
 */
export function certificatesFromPem(text: string): Certificate[] {
	return certificatesFromPemBytes(Buffer.from(text));
}

function certificatesFromPemBytes(bytes: Uint8Array): Certificate[] {
	const blocks = decodePem(bytes, "CERTIFICATE");
	if (blocks.length > 0) return blocks.map(parseCertificate);
	throw noCertificate(bytes);
}

/**
 * Parses the certificates of a file: one in DER, or one or more in PEM.
 * @throws as `certificatesFromPem`
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromFileBytes } from "@sigtool/core/read";
 *
 * const [leaf, issuer] = certificatesFromFileBytes(readFileSync("release.crt"));
 * console.log(leaf.subject.text, issuer.subject.text); // CN=release CN=ca
 * ```
 */
export function certificatesFromFileBytes(bytes: Uint8Array): Certificate[] {
	if (bytes[0] === TAG.SEQUENCE) {
		const { kind } = describeFileBytes(bytes);
		if (kind !== "certificate" && kind !== "unknown") throw noCertificate(bytes);
		return [parseCertificate(bytes)];
	}
	return certificatesFromPemBytes(bytes);
}

function noCertificate(bytes: Uint8Array): SigtoolError {
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "trusted PEM certificate") {
		const message = `Cannot read certificates: it is ${text}; \`openssl x509 -in FILE -out PLAIN\` writes it without them`;
		return new SigtoolError("ERR_CERTIFICATE_FORMAT", message);
	}
	const hint = kind === "catalog" ? `; \`${COMMAND} inspect\` shows the pin of its signer` : "";
	const reason = kind === "cut off" || kind === "empty" ? `it is ${text}` : `it is ${text}, not a certificate${hint}`;
	return new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot read certificates: ${reason}`);
}

/**
 * Returns the certificate's public key. The first call makes the key object, and later calls return the same object.
 * Refuses a key with which a signature check would take long.
 * @throws ERR_WEAK_KEY for RSA above 8192 bits and explicit curves; ERR_CERTIFICATE_FORMAT if node:crypto cannot read
 * the key
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

/**
 * Returns the pin: the SHA-256 of the SubjectPublicKeyInfo element, in lower-case hexadecimal.
 * @throws ERR_USAGE for a value that is no certificate
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem, defaultTrust, spkiSha256 } from "@sigtool/core/read";
 *
 * const [certificate] = certificatesFromPem(readFileSync("release.crt", "utf8"));
 * console.log(defaultTrust().pins.has(spkiSha256(certificate))); // true
 * ```
 */
export function spkiSha256(certificate: Certificate): string {
	return hash("sha256", certificate.spki, "hex");
}

/**
 * Returns true if the certificate carries the development marker. The value of the marker's extension is not read,
 * because the marker can only take trust away.
 * @throws ERR_USAGE for a value that is no certificate
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem, isDevelopmentCertificate } from "@sigtool/core/read";
 *
 * const [certificate] = certificatesFromPem(readFileSync("release.crt", "utf8"));
 * console.log(isDevelopmentCertificate(certificate)); // false
 * ```
 */
export function isDevelopmentCertificate(certificate: Certificate): boolean {
	return certificate.extensions.all.has(DEVELOPMENT_MARKER_OID);
}

const publicKeys = new WeakMap<Certificate, KeyObject>();

/**
 * An RSA key with a larger modulus is refused, because the time of a signature check grows with the square of the
 * modulus's size. The largest modulus in the chains of real catalogs has 4096 bits.
 */
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

/**
 * Parses TBSCertificate, RFC 5280 §4.1.2. `algorithmDer` is the signatureAlgorithm behind the TBSCertificate. The
 * signature field inside must have the same bytes.
 */
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

/** Reads the version: [0] EXPLICIT INTEGER DEFAULT v1(0). */
function readVersion(reader: DerReader): 1 | 2 | 3 {
	if (reader.peek() !== context(0)) return 1;
	const outer = reader.open(context(0));
	const version = reader.integer();
	reader.close(outer);
	if (version === 1) return 2;
	if (version === 2) return 3;
	throw new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot parse certificate: version number ${version}`);
}

/** Skips issuerUniqueID and subjectUniqueID: [1] and [2] IMPLICIT BIT STRING OPTIONAL. RFC 5280 §4.1.2.8. */
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
 * Parses a SubjectPublicKeyInfo: RSA (RFC 3279 §2.3.1), EC on a named curve (RFC 5480 §2.1), or another kind. A pin is
 * a hash of this element, so one RSA or EC key must not have two encodings. Therefore rsaEncryption needs NULL
 * parameters and positive numbers without trailing bytes, and a point must be uncompressed. OpenSSL accepts other
 * encodings too.
 */
export function parseKeyAlgorithm(spki: Uint8Array): KeyAlgorithm {
	const reader = new DerReader(spki, "public key");
	const outer = reader.open(TAG.SEQUENCE);
	const { oid, parameters } = readAlgorithm(reader);
	const key = reader.bitStringBytes();
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

/** Parses RSAPublicKey ::= SEQUENCE { modulus, publicExponent } and returns the size of the modulus in bits. */
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
	refuseDegenerate(modulus, exponent);
	return bitLength(modulus);
}

/**
 * Refuses numbers that no RSA key has: an exponent that is even or below 3, an even modulus, and a modulus that is not
 * longer than the exponent. RFC 8017 §3.1. With the exponent 1, a signature is the padded digest itself, so anyone can
 * make signatures. OpenSSL verifies them.
 */
function refuseDegenerate(modulus: Uint8Array, exponent: Uint8Array): void {
	if (bitLength(exponent) < 2 || !isOdd(exponent)) {
		throw malformedKey("its RSA public exponent is below 3 or even, so its signatures prove nothing");
	}
	if (!isOdd(modulus)) throw malformedKey("its RSA modulus is even");
	if (bitLength(modulus) <= bitLength(exponent)) {
		throw malformedKey("its RSA modulus is not longer than its public exponent");
	}
}

function isOdd(value: Uint8Array): boolean {
	return value[value.length - 1] % 2 === 1;
}

/** Returns the number of bits of an INTEGER that is not negative. `value` has its value bytes. */
function bitLength(value: Uint8Array): number {
	const bytes = value[0] === 0 ? value.subarray(1) : value;
	return bytes.length === 0 ? 0 : bytes.length * 8 - Math.clz32(bytes[0]) + 24;
}

function malformedKey(reason: string): SigtoolError {
	return new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot parse public key: ${reason}`);
}

/**
 * A public exponent has at most this many bits, because the time of a signature check grows with its size. Common
 * exponents have 17 bits, and Microsoft's RSAPUBKEY has room for 32.
 */
const MAX_EXPONENT_BITS = 32;
/** An uncompressed point begins with this byte, SEC 1 §2.3.3. */
const UNCOMPRESSED_POINT = 0x04;
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const CURVES: Readonly<Record<string, string>> = {
	"1.2.840.10045.3.1.7": "P-256",
	"1.3.132.0.34": "P-384",
	"1.3.132.0.35": "P-521",
	"1.2.156.10197.1.301": "SM2",
};
