/** Reads a PKCS#12 container (RFC 7292 §4) in BER or DER, down to its keys and certificates. */

import { berToDer } from "../../asn1/ber.js";
import { context, DerReader, TAG } from "../../asn1/der.js";
import { SigtoolError } from "../../errors.js";
import { type AlgorithmIdentifier, readAlgorithm } from "../../pki/signature-algorithm.js";
import { type ContainerMac, readMac } from "./pkcs12-mac.js";

export interface Container {
	/**
	 * The bytes that the MAC covers: an AuthenticatedSafe as received. Undefined if its type is not data, because a
	 * signature then protects the container in place of a MAC.
	 */
	readonly content: Uint8Array | undefined;
	readonly mac: ContainerMac | undefined;
}

/**
 * Reads PFX ::= SEQUENCE { version, authSafe ContentInfo, macData MacData OPTIONAL }.
 * @throws ERR_DER; ERR_PKCS12 or ERR_PKCS12_PBMAC1 for a MAC that cannot be checked here
 */
export function readContainer(bytes: Uint8Array): Container {
	const reader = new DerReader(berToDer(bytes, "PKCS#12 container"), "PKCS#12 container");
	const pfx = reader.open(TAG.SEQUENCE);
	if (reader.integer() !== 3) reader.fail("its version is not 3");
	const authSafe = reader.open(TAG.SEQUENCE);
	if (reader.oid() !== DATA) return { content: undefined, mac: undefined };
	const content = readExplicitOctets(reader);
	reader.close(authSafe);
	const mac = reader.done ? undefined : readMac(reader);
	reader.close(pfx);
	if (!reader.done) reader.fail("bytes behind the container");
	return { content, mac };
}

/** An encrypted part. Its plaintext is a SafeContents, or a key as PrivateKeyInfo. */
export interface Sealed {
	readonly plaintext: "contents" | "key";
	readonly algorithm: AlgorithmIdentifier;
	readonly ciphertext: Uint8Array;
}

/**
 * The content of a container: keys as PrivateKeyInfo (RFC 5208 §5), X.509 certificates in DER, and the parts that are
 * still encrypted.
 */
export interface Contents {
	readonly keys: Uint8Array[];
	readonly certificates: Uint8Array[];
	readonly sealed: Sealed[];
}

/** Reads AuthenticatedSafe ::= SEQUENCE OF ContentInfo, the bytes that the MAC covers. @throws ERR_DER, ERR_PKCS12 */
export function readAuthenticatedSafe(bytes: Uint8Array): Contents {
	const contents: Contents = { keys: [], certificates: [], sealed: [] };
	readSequenceOf(bytes, (reader) => {
		const type = reader.oid();
		if (type === DATA) readSafeContents(readExplicitOctets(reader), contents);
		else if (type === ENCRYPTED_DATA) contents.sealed.push(readEncryptedData(reader));
		else throw unsupported(`content of type ${type}`);
	});
	return contents;
}

/**
 * Reads SafeContents ::= SEQUENCE OF SafeBag, and adds every bag to `contents`:
 *
 *     SafeBag ::= SEQUENCE { bagId, bagValue [0] EXPLICIT, bagAttributes SET OPTIONAL }
 *
 * @throws ERR_DER, ERR_PKCS12
 */
export function readSafeContents(bytes: Uint8Array, contents: Contents): void {
	readSequenceOf(bytes, (reader) => {
		const type = reader.oid();
		const value = reader.open(context(0));
		if (type === KEY_BAG) contents.keys.push(reader.element(TAG.SEQUENCE));
		else if (type === SHROUDED_KEY_BAG) contents.sealed.push(readEncryptedKey(reader));
		else if (type === CERTIFICATE_BAG) contents.certificates.push(readCertificateBag(reader));
		else throw unsupported(`bag of type ${type}`);
		reader.close(value);
		if (!reader.done) reader.next(TAG.SET);
	});
}

/** Reads SEQUENCE OF SEQUENCE. Opens each inner SEQUENCE and calls `read`, which reads the elements in it. */
function readSequenceOf(bytes: Uint8Array, read: (reader: DerReader) => void): void {
	const reader = new DerReader(berToDer(bytes, WHAT), WHAT);
	const all = reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const element = reader.open(TAG.SEQUENCE);
		read(reader);
		reader.close(element);
	}
	reader.close(all);
	if (!reader.done) reader.fail("bytes behind the content");
}

/**
 * Reads EncryptedData, RFC 2315 §13:
 *
 *     EncryptedData        ::= SEQUENCE { version, EncryptedContentInfo }
 *     EncryptedContentInfo ::= SEQUENCE { contentType, contentEncryptionAlgorithm, encryptedContent [0] IMPLICIT }
 */
function readEncryptedData(reader: DerReader): Sealed {
	const explicit = reader.open(context(0));
	const encryptedData = reader.open(TAG.SEQUENCE);
	if (reader.integer() !== 0) reader.fail("the version of its EncryptedData is not 0");
	const info = reader.open(TAG.SEQUENCE);
	if (reader.oid() !== DATA) reader.fail("its encrypted content is not data");
	const algorithm = readAlgorithm(reader);
	const ciphertext = readImplicitOctets(reader);
	reader.close(info);
	reader.close(encryptedData);
	reader.close(explicit);
	return { plaintext: "contents", algorithm, ciphertext };
}

/** Reads EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData }. RFC 5208 §6. */
function readEncryptedKey(reader: DerReader): Sealed {
	const outer = reader.open(TAG.SEQUENCE);
	const algorithm = readAlgorithm(reader);
	const ciphertext = reader.value(TAG.OCTET_STRING);
	reader.close(outer);
	return { plaintext: "key", algorithm, ciphertext };
}

/** Reads CertBag ::= SEQUENCE { certId, certValue [0] EXPLICIT }. RFC 7292 §4.2.3. */
function readCertificateBag(reader: DerReader): Uint8Array {
	const outer = reader.open(TAG.SEQUENCE);
	const type = reader.oid();
	if (type !== X509_CERTIFICATE) throw unsupported(`certificate of type ${type}`);
	const certificate = readExplicitOctets(reader);
	reader.close(outer);
	return certificate;
}

function readExplicitOctets(reader: DerReader): Uint8Array {
	const explicit = reader.open(context(0));
	const octets = reader.value(TAG.OCTET_STRING);
	reader.close(explicit);
	return octets;
}

/** Reads [0] IMPLICIT OCTET STRING, which some programs write in pieces. */
function readImplicitOctets(reader: DerReader): Uint8Array {
	if (reader.peek() !== context(0)) return reader.value(context(0, "primitive"));
	const outer = reader.open(context(0));
	const pieces: Uint8Array[] = [];
	while (!reader.done) pieces.push(reader.value(TAG.OCTET_STRING));
	reader.close(outer);
	return Buffer.concat(pieces);
}

function unsupported(subject: string): SigtoolError {
	const reason = `a ${subject} is not supported; export it again with \`openssl pkcs12 -export\``;
	return new SigtoolError("ERR_PKCS12", `Cannot read the container: ${reason}`);
}

const WHAT = "content of a PKCS#12 container";
const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const KEY_BAG = "1.2.840.113549.1.12.10.1.1";
const SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3";
const X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
