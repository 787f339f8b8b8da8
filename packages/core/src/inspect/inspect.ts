/**
 * Describes any producer's catalog as data. Nothing is verified, so the result is not evidence.
 */

import { SigtoolError } from "../errors.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import {
	CARRIED_ATTRIBUTE,
	CATALOG_OID,
	type Catalog,
	memberAttributes,
	memberCarriedTexts,
	memberDigest,
	type NameValue,
	parseCatalog,
	type SUBJECT_KIND,
} from "../formats/cat.js";
import { parseCarried } from "../formats/cat-carried.js";
import { type CatalogFacts, isSigtoolCatalog, parseFacts } from "../formats/cat-facts.js";
import { algorithmName } from "../pki/algorithm-names.js";
import { type Certificate, isDevelopmentCertificate, spkiSha256 } from "../pki/certificate.js";
import { parseSignedData, type SignerInfo } from "../pki/cms.js";
import { signerCertificates } from "../pki/cms-verify.js";
import { describeTimestamps, type TimestampDescription } from "../pki/timestamp.js";
import { parseCatalogFile } from "../verify/catalog-file.js";

export interface CatalogInspection {
	readonly version: 1 | 2;
	/** The list id in hexadecimal. */
	readonly listId: string;
	readonly thisUpdate: number;
	readonly attributes: readonly NameValue[];
	/** The facts that sigtool records. Undefined: another producer made the catalog. */
	readonly facts: CatalogFacts | undefined;
	readonly members: readonly InspectedMember[];
	/** The numbers of carried attributes, and of files that have some, including the zero-length files of the facts. */
	readonly carried: { readonly files: number; readonly attributes: number };
	readonly signers: readonly InspectedSigner[];
	/**
	 * The first signer's certificate with its issuers, from the signer up; then those of other signers; then the rest.
	 */
	readonly certificates: readonly InspectedCertificate[];
	readonly anomalies: readonly string[];
}

export interface InspectedMember {
	/** The digest in hexadecimal. */
	readonly digest: string;
	readonly digestAlgorithm: "sha1" | "sha256";
	readonly subject: "unknown" | "flat" | "pe" | "cab";
	/** The value of FilePath, or of the `File` attribute in driver catalogs. */
	readonly name: string | undefined;
	/** The NameValue attributes, without those that hold carried attributes. */
	readonly attributes: readonly NameValue[];
	/** The carried extended attributes of the file. */
	readonly carried: readonly CarriedAttribute[];
}

export interface InspectedSigner {
	/** The subject of the signer's certificate. Undefined: the catalog does not contain it. */
	readonly subject: string | undefined;
	readonly spkiSha256: string | undefined;
	/** The object identifier of the algorithm. Its name is undefined when sigtool does not know it. */
	readonly digestAlgorithm: string;
	readonly digestAlgorithmName: string | undefined;
	readonly signatureAlgorithm: string;
	readonly signatureAlgorithmName: string | undefined;
	/** The object identifiers of the attributes, in order. */
	readonly signedAttributes: readonly string[];
	readonly unsignedAttributes: readonly string[];
	readonly timestamps: readonly TimestampDescription[];
	readonly nestedSignatures: readonly InspectedNestedSignature[];
}

export interface InspectedNestedSignature {
	readonly signers: readonly string[];
	readonly digestAlgorithms: readonly string[];
}

export interface InspectedCertificate {
	readonly subject: string;
	readonly issuer: string;
	readonly notBefore: number;
	readonly notAfter: number;
	readonly spkiSha256: string;
	/** True for the certificate of a signer. */
	readonly signer: boolean;
	readonly development: boolean;
}

const NESTED_SIGNATURE = "1.3.6.1.4.1.311.2.4.1";

/** Inspects a catalog file; errors name it. @throws ERR_ROOT_MISSING, ERR_IO, and the errors of `inspectCatalog` */
export function inspectCatalogFile(file: string): CatalogInspection {
	return parseCatalogFile(file, inspectCatalog);
}

/** @throws ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_LIMIT */
export function inspectCatalog(bytes: Uint8Array): CatalogInspection {
	const signedData = parseSignedData(bytes, "catalog");
	if (signedData.contentType !== CATALOG_OID.certTrustList || signedData.content === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", "Cannot read catalog: the signed content is not a catalog list");
	}
	const catalog = parseCatalog(signedData.content);
	const { version, listId, thisUpdate, attributes } = catalog;
	const leaves = signedData.signers.flatMap((signer) =>
		signerCertificates(signer, signedData.certificates).slice(0, 1),
	);
	const members = Array.from({ length: catalog.members.count }, (_, row) => inspectMember(catalog, row));
	const facts = isSigtoolCatalog(attributes) ? parseFacts(attributes) : undefined;
	const carried = [...members.map((member) => member.carried), ...(facts?.carried?.values() ?? [])];
	return {
		version,
		listId: hex(listId),
		thisUpdate,
		attributes,
		facts,
		members,
		carried: { files: carried.filter(({ length }) => length > 0).length, attributes: carried.flat().length },
		signers: signedData.signers.map((signer) => inspectSigner(signer, signedData.certificates)),
		certificates: chainOrder(leaves, signedData.certificates).map((certificate) => ({
			...inspectCertificate(certificate),
			signer: leaves.includes(certificate),
		})),
		anomalies: [
			...signedData.anomalies,
			...(catalog.members.order === "unsorted" ? ["members are not sorted by tag"] : []),
		],
	};
}

const SUBJECT_NAMES = ["unknown", "flat", "pe", "cab"] as const satisfies readonly (keyof typeof SUBJECT_KIND)[];

function inspectMember(catalog: Catalog, row: number): InspectedMember {
	const attributes = memberAttributes(catalog, row);
	const name =
		attributes.find((attribute) => attribute.name === "FilePath") ?? attributes.find(({ name }) => name === "File");
	return {
		digest: hex(memberDigest(catalog.members, row)),
		digestAlgorithm: catalog.members.digestSizes[row] === 20 ? "sha1" : "sha256",
		subject: SUBJECT_NAMES[catalog.members.subjectKinds[row]],
		name: name?.value,
		attributes: attributes.filter((attribute) => attribute.name !== CARRIED_ATTRIBUTE),
		carried: parseCarried(memberCarriedTexts(catalog, row), name?.value ?? ""),
	};
}

function inspectSigner(signer: SignerInfo, certificates: readonly Certificate[]): InspectedSigner {
	const certificate: Certificate | undefined = signerCertificates(signer, certificates)[0];
	return {
		subject: certificate?.subject.text,
		spkiSha256: certificate === undefined ? undefined : spkiSha256(certificate),
		digestAlgorithm: signer.digestAlgorithm.oid,
		digestAlgorithmName: algorithmName(signer.digestAlgorithm.oid),
		signatureAlgorithm: signer.signatureAlgorithm.oid,
		signatureAlgorithmName: algorithmName(signer.signatureAlgorithm.oid),
		signedAttributes: signer.signedAttributes.map(({ oid }) => oid),
		unsignedAttributes: signer.unsignedAttributes.map(({ oid }) => oid),
		timestamps: describeTimestamps(signer, certificates),
		nestedSignatures: signer.unsignedAttributes
			.filter(({ oid }) => oid === NESTED_SIGNATURE)
			.flatMap(({ values }) => values.map(inspectNested)),
	};
}

/** Inspects one level only: signatures nested in a nested signature are ignored. */
function inspectNested(bytes: Uint8Array): InspectedNestedSignature {
	try {
		const { signers, certificates } = parseSignedData(bytes, "nested signature");
		return {
			signers: signers.map((signer) => signerCertificates(signer, certificates)[0]?.subject.text ?? "unknown"),
			digestAlgorithms: signers.map(({ digestAlgorithm }) => digestAlgorithm.oid),
		};
	} catch (error) {
		if (error instanceof SigtoolError) return { signers: [`unreadable: ${error.message}`], digestAlgorithms: [] };
		throw error;
	}
}

/** Orders the unordered certificates of a catalog for reading: from each signer's upwards, by the issuers' names. */
function chainOrder(leaves: readonly Certificate[], certificates: readonly Certificate[]): Certificate[] {
	const bySubject = new Map(certificates.map((certificate) => [certificate.subject.text, certificate]));
	const ordered = new Set<Certificate>();
	for (const leaf of leaves) {
		let next: Certificate | undefined = leaf;
		while (next !== undefined && !ordered.has(next)) {
			ordered.add(next);
			next = bySubject.get(next.issuer.text);
		}
	}
	return [...new Set([...ordered, ...certificates])];
}

function inspectCertificate(certificate: Certificate): Omit<InspectedCertificate, "signer"> {
	return {
		subject: certificate.subject.text,
		issuer: certificate.issuer.text,
		notBefore: certificate.notBefore,
		notAfter: certificate.notAfter,
		spkiSha256: spkiSha256(certificate),
		development: isDevelopmentCertificate(certificate),
	};
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
