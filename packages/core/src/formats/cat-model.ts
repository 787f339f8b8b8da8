/** Defines the object identifiers, the names of attributes and the limits of a catalog, and what it is once parsed. */

/** The object identifiers in a catalog, from Microsoft's arc 1.3.6.1.4.1.311. */
export const CATALOG_OID = {
	certTrustList: "1.3.6.1.4.1.311.10.1",
	catalogList: "1.3.6.1.4.1.311.12.1.1",
	memberV1: "1.3.6.1.4.1.311.12.1.2",
	memberV2: "1.3.6.1.4.1.311.12.1.3",
	nameValue: "1.3.6.1.4.1.311.12.2.1",
	memberInfoV1: "1.3.6.1.4.1.311.12.2.2",
	memberInfoV2: "1.3.6.1.4.1.311.12.2.3",
	indirectData: "1.3.6.1.4.1.311.2.1.4",
	peImageData: "1.3.6.1.4.1.311.2.1.15",
	flatData: "1.3.6.1.4.1.311.2.1.25",
	cabData: "1.3.6.1.4.1.311.2.1.28",
} as const;

/**
 * The kind of file that a digest covers. The kind is `unknown` if the catalog does not state it, as for some SHA-1
 * members.
 */
export const SUBJECT_KIND = { unknown: 0, flat: 1, pe: 2, cab: 3 } as const;
export type SubjectKind = keyof typeof SUBJECT_KIND;

/** An attribute with a name, as Windows writes it into catalogs. */
export interface NameValue {
	readonly name: string;
	/** The CRYPTCAT_ATTR flags. The value 0x10010001 means authenticated plain text. */
	readonly flags: number;
	readonly value: string;
}

/**
 * The members as columns, with a row for each member in the catalog's order. Paths and attributes are decoded on
 * request.
 */
export interface MemberTable {
	readonly count: number;
	/** The digests, 32 bytes for each row. A SHA-1 digest uses the first 20 bytes. */
	readonly digests: Uint8Array;
	/** The size of each digest in bytes, 20 or 32. */
	readonly digestSizes: Uint8Array;
	/** The SUBJECT_KIND of each member. */
	readonly subjectKinds: Uint8Array;
	/**
	 * `pathStarts` and `pathEnds` are the offsets, in the content, of the FilePath's text in UTF-16LE. Both are 0 if
	 * the member has no FilePath.
	 */
	readonly pathStarts: Uint32Array;
	readonly pathEnds: Uint32Array;
	/** The POSIX mode bits (0o7777) recorded with the member, or -1 if none were recorded. */
	readonly modes: Int16Array;
	/** The offset of the text of `SigtoolSha256` in the content, or 0 if the member has none. */
	readonly wholeDigestStarts: Uint32Array;
	/** The number of extended attributes that the member carries. */
	readonly carriedCounts: Uint8Array;
	/** The offset of the member's SET OF attributes in the content. */
	readonly attributeStarts: Uint32Array;
	/**
	 * The value `sorted` means that the members are in the order of their tags. Every known producer writes them in
	 * this order.
	 */
	readonly order: "sorted" | "unsorted";
}

/** The list in a catalog. It is untrusted, unless it is a `Verified<Catalog>`. */
export interface Catalog {
	/** The DER to which the table's offsets refer. */
	readonly bytes: Uint8Array;
	readonly version: 1 | 2;
	/** The list id, 16 bytes. */
	readonly listId: Uint8Array;
	/** The time in milliseconds since the epoch. */
	readonly thisUpdate: number;
	readonly attributes: readonly NameValue[];
	/** The members, which are parsed at the first access. @throws ERR_DER, ERR_CATALOG_FORMAT, ERR_LIMIT */
	readonly members: MemberTable;
}

/** The name of the NameValue attribute with the SHA-256 of a whole image or cabinet, in lower-case hexadecimal. */
export const WHOLE_DIGEST_ATTRIBUTE = "SigtoolSha256";

/** The name of the NameValue attributes that each contain one extended attribute. */
export const CARRIED_ATTRIBUTE = "SigtoolXattr";

/** The largest number of members in a catalog. With more, the sort key of the encoder would not be exact. */
export const MAX_MEMBERS = 2 ** 21;
/**
 * The largest size in bytes of all attributes of a catalog together. Unlike members, attributes are decoded before the
 * signature is verified, and take two to three times their size in memory.
 */
export const MAX_CATALOG_ATTRIBUTE_BYTES = 2 ** 28;
/** The largest number of attribute values of one member. Real catalogs have up to 4. */
export const MAX_MEMBER_ATTRIBUTES = 64;
