/**
 * Reads two extensions. cRLDistributionPoints of a certificate says where revocation lists are published (RFC 5280
 * §4.2.1.13). issuingDistributionPoint of a revocation list says which certificates the list covers (§5.2.5).
 */

import { compareBytes, context, DerReader, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import type { Certificate } from "./certificate.js";
import { type GeneralName, readGeneralName } from "./general-name.js";

/** Says which certificates of its issuer a revocation list covers. A scope without members means all of them. */
export interface ListScope {
	/**
	 * The names of the distribution point to which the list belongs. A certificate is covered only if it names the
	 * point.
	 */
	readonly names?: readonly GeneralName[];
	readonly only?: "user certificates" | "authority certificates";
	/**
	 * The reason why the list cannot prove that any certificate is good, e.g. because it covers only some reasons of
	 * revocation.
	 */
	readonly partial?: string;
}

/** Parses the content of an issuingDistributionPoint extension. @throws ERR_DER, ERR_LIMIT */
export function parseListScope(extension: Uint8Array): ListScope {
	const reader = new DerReader(extension, "issuing distribution point");
	const outer = reader.open(TAG.SEQUENCE);
	const point = reader.peek() === context(0) ? readPointName(reader) : undefined;
	const isUsers = readFlag(reader, 1);
	const isAuthorities = readFlag(reader, 2);
	const someReasons = reader.peek() === context(3, "primitive");
	if (someReasons) reader.next();
	const isIndirect = readFlag(reader, 4);
	const isAttributes = readFlag(reader, 5);
	reader.close(outer);
	if (!reader.done) reader.fail("unexpected extra elements");
	if (isUsers && isAuthorities) reader.fail("it covers user certificates only, and authority certificates only");
	const partial = someReasons
		? "it covers only some reasons"
		: isIndirect
			? "it is indirect: it has entries of other issuers"
			: isAttributes
				? "it covers only attribute certificates"
				: point === "relative"
					? "it names its distribution point relative to its issuer"
					: undefined;
	return {
		...(point !== undefined && point !== "relative" && { names: point }),
		...(isUsers && { only: "user certificates" }),
		...(isAuthorities && { only: "authority certificates" }),
		...(partial !== undefined && { partial }),
	};
}

/**
 * Returns the reason why a list of this scope does not cover a certificate of its issuer, or undefined if the list
 * covers the certificate. RFC 5280 §6.3.3 (b) (2).
 * @throws ERR_DER, ERR_LIMIT for a malformed extension of the certificate
 */
export function uncoveredBy({ names, only }: ListScope, certificate: Certificate): string | undefined {
	const isAuthority = certificate.extensions.basicConstraints?.isAuthority === true;
	if (only !== undefined && isAuthority !== (only === "authority certificates")) return `it covers only ${only}`;
	if (names === undefined) return undefined;
	const points = readPoints(certificate).filter((point) => {
		return names.some((name) => point.names.some((each) => isSameName(each, name)));
	});
	if (points.length === 0) return "it is of a distribution point that the certificate does not name";
	// A list for some reasons alone does not prove that the certificate is good. The lists for the other reasons are at
	// other points.
	return points.every(({ hasReasons }) => hasReasons)
		? "it is of a distribution point that serves only some reasons"
		: undefined;
}

/**
 * Returns the http and https URLs of lists that cover a certificate for all reasons, in the order in which the
 * certificate has them. Leaves out points that another issuer serves. Returns no URLs if the extension is malformed.
 */
export function listUrls(certificate: Certificate): string[] {
	try {
		return readPoints(certificate)
			.flatMap(({ names, hasReasons }) => (hasReasons ? [] : names))
			.filter(({ kind }) => kind === "uri")
			.map(({ value }) => Buffer.from(value).toString("latin1"))
			.filter((url) => /^https?:/i.test(url));
	} catch (error) {
		if (error instanceof SigtoolError) return [];
		throw error;
	}
}

interface DistributionPoint {
	/** Empty if another issuer serves the point, or if its name is relative to the issuer. */
	readonly names: readonly GeneralName[];
	/** True if the lists of this point are about only some reasons. */
	readonly hasReasons: boolean;
}

function readPoints({ extensions }: Certificate): DistributionPoint[] {
	const extension = extensions.all.get(CRL_DISTRIBUTION_POINTS);
	if (extension === undefined) return [];
	const reader = new DerReader(extension.value, "CRL distribution points");
	const points = readList(reader, TAG.SEQUENCE, MAX_POINTS, readPoint);
	if (!reader.done) reader.fail("unexpected extra elements");
	return points;
}

/** Reads DistributionPoint ::= SEQUENCE { [0] distributionPoint, [1] reasons, [2] cRLIssuer }, all of them optional. */
function readPoint(reader: DerReader): DistributionPoint {
	const outer = reader.open(TAG.SEQUENCE);
	const point = reader.peek() === context(0) ? readPointName(reader) : "relative";
	const hasReasons = reader.peek() === context(1, "primitive");
	if (hasReasons) reader.next();
	const isServedByOther = reader.peek() === context(2);
	reader.leave(outer);
	return { names: isServedByOther || point === "relative" ? [] : point, hasReasons };
}

/** Reads [0] { CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] } }. */
function readPointName(reader: DerReader): GeneralName[] | "relative" {
	const outer = reader.open(context(0));
	const isRelative = reader.peek() === context(1);
	if (isRelative) reader.next();
	const names = isRelative ? "relative" : readList(reader, context(0), MAX_NAMES, readGeneralName);
	reader.close(outer);
	return names;
}

/** Reads [number] IMPLICIT BOOLEAN DEFAULT FALSE. */
function readFlag(reader: DerReader, number: number): boolean {
	const tag = context(number, "primitive");
	return reader.peek() === tag && reader.boolean(tag);
}

function isSameName(a: GeneralName, b: GeneralName): boolean {
	return a.kind === b.kind && compareBytes(a.value, b.value) === 0;
}

const MAX_POINTS = 16;
const MAX_NAMES = 16;
const CRL_DISTRIBUTION_POINTS = "2.5.29.31";
