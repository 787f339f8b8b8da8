/** Describes a catalog of any producer as data. Nothing is verified, so the result is not evidence. */

import { quote, SigtoolError } from "../errors.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import { parseCatalog } from "../formats/cat.js";
import { parseCarried } from "../formats/cat-carried.js";
import { type CatalogFacts, isSigtoolCatalog, parseFacts } from "../formats/cat-facts.js";
import { memberAttributes, memberCarriedTexts, memberDigest } from "../formats/cat-member.js";
import {
	CARRIED_ATTRIBUTE,
	CATALOG_OID,
	type Catalog,
	type NameValue,
	type SubjectKind,
} from "../formats/cat-model.js";
import { algorithmName } from "../pki/algorithm-names.js";
import { type Certificate, isDevelopmentCertificate, spkiSha256 } from "../pki/certificate.js";
import { parseSignedData, type SignedData, type SignerInfo } from "../pki/cms.js";
import { signerCertificates } from "../pki/cms-verify.js";
import { describeTimestamps, type TimestampDescription } from "../pki/timestamp.js";
import { openPieces } from "../system/read-file.js";
import { MAX_CATALOG_BYTES, parseCatalogFile } from "../verify/catalog-file.js";
import { NESTED_SIGNATURE } from "../verify/verify-catalog.js";
import { type Pieces, piecesOf, splitCatalog } from "./catalog-pieces.js";
import { indexMembers, type MemberBatch, type MemberIndex } from "./member-index.js";

/** Describes a catalog. Nothing in it is verified. */
export interface CatalogInspection {
	readonly version: 1 | 2;
	/** The list id in hexadecimal. */
	readonly listId: string;
	/** The time of signing that the list states, in milliseconds since the epoch. */
	readonly thisUpdate: number;
	readonly attributes: readonly NameValue[];
	/** The facts that sigtool records. They are undefined if another producer made the catalog. */
	readonly facts: CatalogFacts | undefined;
	/** The members in path order. Members without a name come last. */
	readonly members: readonly InspectedMember[];
	/** Zero-length files are included. */
	readonly carried: {
		/** The number of files with carried attributes. */
		readonly files: number;
		/** The number of these attributes. */
		readonly attributes: number;
	};
	readonly signers: readonly InspectedSigner[];
	/**
	 * The certificates in this order: the first signer's, followed by its issuers upwards; those of other signers and
	 * their issuers; and all others.
	 */
	readonly certificates: readonly InspectedCertificate[];
	readonly anomalies: readonly string[];
}

/** Describes a signed file. */
export interface InspectedMember {
	/** The digest in hexadecimal. */
	readonly digest: string;
	readonly digestAlgorithm: "sha1" | "sha256";
	readonly subject: "unknown" | "flat" | "pe" | "cab";
	/** The value of FilePath, or of the `File` attribute that driver catalogs have. */
	readonly name: string | undefined;
	/** The NameValue attributes, without those that contain carried attributes. */
	readonly attributes: readonly NameValue[];
	/** The carried extended attributes of the file. */
	readonly carried: readonly CarriedAttribute[];
}

/** Describes one signature of a catalog. */
export interface InspectedSigner {
	/** The subject of the signer's certificate. It is undefined if the catalog does not contain the certificate. */
	readonly subject: string | undefined;
	readonly spkiSha256: string | undefined;
	/** The object identifier of the digest algorithm. Its name is undefined if sigtool does not know the algorithm. */
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

/** Describes a signature inside of a signature, which sigtool does not verify. */
export interface InspectedNestedSignature {
	readonly signers: readonly string[];
	readonly digestAlgorithms: readonly string[];
}

/** Describes a certificate that a catalog contains. */
export interface InspectedCertificate {
	readonly subject: string;
	readonly issuer: string;
	/** The validity is from `notBefore` to `notAfter`, both included, in milliseconds since the epoch. */
	readonly notBefore: number;
	/** See `notBefore`. */
	readonly notAfter: number;
	readonly spkiSha256: string;
	/** True for the certificate of a signer. */
	readonly signer: boolean;
	readonly development: boolean;
}

/** The members of a catalog file. They are read from the file while they are listed. */
export interface InspectedMembers extends Iterable<InspectedMember> {
	readonly count: number;
	/** Lists the members in path order. @throws ERR_FILE_CHANGED if the file changed since it was inspected, ERR_IO */
	[Symbol.iterator](): Generator<InspectedMember, void, undefined>;
}

/** Describes a catalog file. Its members are read when they are listed. */
export interface CatalogFileInspection extends Omit<CatalogInspection, "members"> {
	readonly members: InspectedMembers;
}

/**
 * Inspects a catalog file without keeping its members in memory. Errors name the file.
 * @throws ERR_ROOT_MISSING, ERR_IO, and the errors of `inspectCatalog`
 * @example
 * ```ts
 * import { inspectCatalogFile } from "@sigtool/core/read";
 *
 * const { signers, members } = inspectCatalogFile("lib/lib.cat");
 * console.log(signers[0].subject, members.count); // CN=release 2
 * ```
 */
export function inspectCatalogFile(file: string): CatalogFileInspection {
	const pieces = openPieces(file, MAX_CATALOG_BYTES);
	const { state } = pieces;
	try {
		const { index, ...rest } = inspectPieces(pieces);
		return {
			...rest,
			members: {
				count: index.count,
				*[Symbol.iterator]() {
					const again = openPieces(file, MAX_CATALOG_BYTES);
					try {
						if (again.state !== state) {
							const message = `Cannot inspect ${quote(file)}: it changed meanwhile`;
							throw new SigtoolError("ERR_FILE_CHANGED", message, { path: file });
						}
						yield* membersOf(index, again);
					} finally {
						again.close();
					}
				},
			},
		};
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.code === "ERR_IO") throw error;
		// The catalog is malformed. If its structure is wrong, parsing it as a whole gives a better error than `error`.
		return parseCatalogFile(file, (bytes) => {
			parseWhole(bytes);
			throw error;
		});
	} finally {
		pieces.close();
	}
}

/**
 * @throws ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_LIMIT
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { inspectCatalog } from "@sigtool/core/read";
 *
 * const { members } = inspectCatalog(readFileSync("lib/lib.cat"));
 * console.log(members.map(({ name }) => name)); // [ 'main.js', 'util\\greet.js' ]
 * ```
 */
export function inspectCatalog(bytes: Uint8Array): CatalogInspection {
	const pieces = piecesOf(bytes);
	try {
		const { index, ...rest } = inspectPieces(pieces);
		return { ...rest, members: [...membersOf(index, pieces)] };
	} catch (error) {
		parseWhole(bytes);
		throw error;
	}
}

function* membersOf(index: MemberIndex, pieces: Pieces): Generator<InspectedMember, void, undefined> {
	for (const batch of index.batches(pieces)) {
		for (let row = 0; row < batch.members.count; row++) yield inspectMember(batch, row);
	}
}

/**
 * Parses a malformed catalog as a whole, and returns only if its structure is right.
 * @throws the error about its structure
 */
function parseWhole(bytes: Uint8Array): void {
	parseList(parseSignedData(bytes, "catalog")).members.count;
}

function parseList(signedData: SignedData): Catalog {
	if (signedData.contentType !== CATALOG_OID.certTrustList || signedData.content === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", "Cannot read catalog: the signed content is not a catalog list");
	}
	return parseCatalog(signedData.content);
}

/**
 * Inspects all members once, so that a malformed member is an error now. The result has only the order and the offsets
 * of the members.
 */
function inspectPieces(pieces: Pieces): Omit<CatalogInspection, "members"> & { readonly index: MemberIndex } {
	const { shell, membersStart, membersEnd } = splitCatalog(pieces);
	const signedData = parseSignedData(shell, "catalog");
	const { version, listId, thisUpdate, attributes } = parseList(signedData);
	const leaves = signedData.signers.flatMap((signer) =>
		signerCertificates(signer, signedData.certificates).slice(0, 1),
	);
	const facts = isSigtoolCatalog(attributes) ? parseFacts(attributes) : undefined;
	const carried = { files: 0, attributes: 0 };
	const addCarried = ({ length }: readonly CarriedAttribute[]) => {
		carried.files += length > 0 ? 1 : 0;
		carried.attributes += length;
	};
	for (const each of facts?.carried?.values() ?? []) addCarried(each);
	const index = indexMembers(pieces, { start: membersStart, end: membersEnd, version }, (batch, row) => {
		const member = inspectMember(batch, row);
		addCarried(member.carried);
		return member.name;
	});
	return {
		version,
		listId: hex(listId),
		thisUpdate,
		attributes,
		facts,
		index,
		carried,
		signers: signedData.signers.map((signer) => inspectSigner(signer, signedData.certificates)),
		certificates: chainOrder(leaves, signedData.certificates).map((certificate) => ({
			...inspectCertificate(certificate),
			signer: leaves.includes(certificate),
		})),
		anomalies: [...signedData.anomalies, ...(index.isSorted ? [] : ["members are not sorted by tag"])],
	};
}

const SUBJECT_NAMES = ["unknown", "flat", "pe", "cab"] as const satisfies readonly SubjectKind[];

function inspectMember(catalog: MemberBatch, row: number): InspectedMember {
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

/** Inspects one level only, and ignores signatures that are nested in a nested signature. */
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

/**
 * Orders the certificates of a catalog for a reader, because a catalog has them in no useful order. Each signer's
 * certificate is followed by its issuers, which are found by their names.
 */
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
