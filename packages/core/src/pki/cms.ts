/**
 * Parses CMS SignedData (RFC 5652 §5) as catalogs and RFC 3161 tokens use it, with any content type. A signer is
 * identified by issuer and serial number, or by its key identifier. Embedded revocation lists are skipped.
 *
 * The limits are 16 signers, 256 certificates, 64 values in a set of attributes, and 64 KiB of signed attributes. Every
 * Uint8Array of the result is a view into the parsed bytes. The content is neither copied nor parsed.
 */

import { context, DerReader, TAG } from "../asn1/der.js";
import { readList, tooLarge } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, parseCertificate } from "./certificate.js";
import { SIGNED_DATA } from "./cms-encode.js";
import { type DistinguishedName, readName } from "./name.js";
import { type AlgorithmIdentifier, readAlgorithm } from "./signature-algorithm.js";

export {
	encodeAttribute,
	encodeSignedAttributes,
	encodeSignedData,
	withContent,
	withUnsignedAttributes,
} from "./cms-encode.js";

export interface SignedData {
	/** The ContentInfo as received. */
	readonly der: Uint8Array;
	readonly digestAlgorithms: readonly string[];
	readonly contentType: string;
	/**
	 * The element inside eContent's [0], or undefined if the content is detached. The signature does not cover the
	 * element's tag, so the caller must check the tag.
	 */
	readonly content: Uint8Array | undefined;
	/**
	 * The content without its tag and length. The messageDigest attribute covers these bytes, also if the content is a
	 * SEQUENCE (RFC 2315 §9.3).
	 */
	readonly contentValue: Uint8Array | undefined;
	/** The certificates of the message, without those that could not be parsed. */
	readonly certificates: readonly Certificate[];
	readonly signers: readonly SignerInfo[];
	/**
	 * One sentence for each certificate that could not be parsed and was skipped. The signature does not cover the set
	 * of certificates, so a malformed certificate in it must not make the signature invalid.
	 */
	readonly anomalies: readonly string[];
}

export interface SignerInfo {
	readonly identifier: SignerIdentifier;
	readonly digestAlgorithm: AlgorithmIdentifier;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	/** The signed attributes as received, with the tag [0]. Undefined if there are none. */
	readonly signedAttributesDer: Uint8Array | undefined;
	readonly signedAttributes: readonly Attribute[];
	readonly signature: Uint8Array;
	readonly unsignedAttributes: readonly Attribute[];
}

export type SignerIdentifier =
	| { readonly kind: "issuerAndSerial"; readonly issuer: DistinguishedName; readonly serial: Uint8Array }
	| { readonly kind: "subjectKeyId"; readonly keyId: Uint8Array };

export interface Attribute {
	readonly oid: string;
	/** The values, each as one DER element. */
	readonly values: readonly Uint8Array[];
}

const MAX_SIGNERS = 16;
const MAX_CERTIFICATES = 256;
/** A set has at most this many attributes, and all its attributes together have at most this many values. */
const MAX_ATTRIBUTES = 64;
/**
 * The signed attributes have at most this many bytes. The limit exists because they are copied before they are trusted.
 * In real catalogs they have about 400 bytes.
 */
const MAX_SIGNED_ATTRIBUTES_SIZE = 65_536;

/**
 * Parses a ContentInfo with SignedData and refuses bytes behind it. `what` is its name in error messages.
 * @throws ERR_DER, ERR_CMS_FORMAT, ERR_LIMIT
 */
export function parseSignedData(der: Uint8Array, what: string): SignedData {
	const reader = new DerReader(der, what);
	const contentInfo = reader.open(TAG.SEQUENCE);
	const type = reader.oid();
	if (type !== SIGNED_DATA) throw malformed(reader, `its type is ${type}, not SignedData`);
	const explicit = reader.open(context(0));
	const outer = reader.open(TAG.SEQUENCE);
	const version = reader.integer();
	if (version < 1 || version > 5) throw malformed(reader, `SignedData has version ${version}`);
	const digestAlgorithms = readList(reader, TAG.SET, MAX_SIGNERS, readAlgorithm).map(({ oid }) => oid);

	const encapsulated = reader.open(TAG.SEQUENCE);
	const contentType = reader.oid();
	const { content, contentValue } = readContent(reader);
	reader.close(encapsulated);

	const { certificates, anomalies } = readCertificates(reader);
	if (reader.peek() === context(1)) reader.next();
	const signers = readList(reader, TAG.SET, MAX_SIGNERS, readSigner);
	reader.close(outer);
	reader.close(explicit);
	reader.close(contentInfo);
	if (!reader.done) reader.fail("bytes behind the signed data");
	return { der, digestAlgorithms, contentType, content, contentValue, certificates, signers, anomalies };
}

/** Parses a SignerInfo that stands alone, as in a countersignature. @throws ERR_DER, ERR_CMS_FORMAT, ERR_LIMIT */
export function parseSignerInfo(der: Uint8Array, what: string): SignerInfo {
	const reader = new DerReader(der, what);
	const signer = readSigner(reader);
	if (!reader.done) reader.fail("bytes behind the signer");
	return signer;
}

/** Reads eContent [0] EXPLICIT ANY OPTIONAL. */
function readContent(reader: DerReader): Pick<SignedData, "content" | "contentValue"> {
	if (reader.done) return { content: undefined, contentValue: undefined };
	const explicit = reader.open(context(0));
	const content = reader.element();
	const contentValue = reader.bytes.subarray(reader.valueStart, reader.valueEnd);
	reader.close(explicit);
	return { content, contentValue };
}

/** Reads certificates [0] IMPLICIT SET OF CertificateChoices OPTIONAL. */
function readCertificates(reader: DerReader): { certificates: Certificate[]; anomalies: string[] } {
	const certificates: Certificate[] = [];
	const anomalies: string[] = [];
	if (reader.peek() !== context(0)) return { certificates, anomalies };
	const elements = readList(reader, context(0), MAX_CERTIFICATES, () => reader.element());
	for (const [index, element] of elements.entries()) {
		try {
			certificates.push(parseCertificate(element));
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			anomalies.push(`certificate ${index + 1} of ${elements.length} was passed over: ${error.message}`);
		}
	}
	return { certificates, anomalies };
}

/** Reads a SignerInfo, RFC 5652 §5.3. */
function readSigner(reader: DerReader): SignerInfo {
	const outer = reader.open(TAG.SEQUENCE);
	const version = reader.integer();
	if (version !== 1 && version !== 3) throw malformed(reader, `SignerInfo has version ${version}`);
	const identifier = readIdentifier(reader);
	const digestAlgorithm = readAlgorithm(reader);
	const signed = readAttributes(reader, context(0));
	if (signed.der !== undefined && signed.der.length > MAX_SIGNED_ATTRIBUTES_SIZE) {
		throw tooLarge(reader, `the signed attributes are larger than ${MAX_SIGNED_ATTRIBUTES_SIZE} bytes`);
	}
	const signatureAlgorithm = readAlgorithm(reader);
	const signature = reader.value(TAG.OCTET_STRING);
	const unsigned = readAttributes(reader, context(1));
	reader.close(outer);
	return {
		identifier,
		digestAlgorithm,
		signatureAlgorithm,
		signedAttributesDer: signed.der,
		signedAttributes: signed.attributes,
		signature,
		unsignedAttributes: unsigned.attributes,
	};
}

function readIdentifier(reader: DerReader): SignerIdentifier {
	const keyIdTag = context(0, "primitive");
	if (reader.peek() === keyIdTag) return { kind: "subjectKeyId", keyId: reader.value(keyIdTag) };
	const outer = reader.open(TAG.SEQUENCE);
	const issuer = readName(reader);
	const serial = reader.integerBytes();
	reader.close(outer);
	return { kind: "issuerAndSerial", issuer, serial };
}

/** Reads [tag] IMPLICIT SET OF SEQUENCE { type OID, values SET OF ANY } OPTIONAL. */
function readAttributes(reader: DerReader, tag: number): { der: Uint8Array | undefined; attributes: Attribute[] } {
	if (reader.peek() !== tag) return { der: undefined, attributes: [] };
	const start = reader.position;
	let values = 0;
	const attributes = readList(reader, tag, MAX_ATTRIBUTES, () => {
		const outer = reader.open(TAG.SEQUENCE);
		const oid = reader.oid();
		const elements = readList(reader, TAG.SET, MAX_ATTRIBUTES - values, () => reader.element());
		values += elements.length;
		reader.close(outer);
		return { oid, values: elements };
	});
	return { der: reader.bytes.subarray(start, reader.position), attributes };
}

function malformed(reader: DerReader, reason: string): SigtoolError {
	return new SigtoolError("ERR_CMS_FORMAT", `Cannot parse ${reader.what}: ${reason}`);
}
