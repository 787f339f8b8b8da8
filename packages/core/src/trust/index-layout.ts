/** Defines the layout of a trust index (`.sigx`) for its encoder and its parser. docs/reference/trust-index.md has the tables. */

/**
 * The first bytes of an index. The first one is not ASCII, so that no program takes an index for text. CR LF (0d 0a) is
 * among them, because a transfer that changes line ends also changes these two bytes.
 */
export const MAGIC: readonly number[] = [0x89, 0x53, 0x49, 0x47, 0x58, 0x0d, 0x0a, 0x1a];
export const FORMAT_VERSION = 1;

/**
 * The size of the header in bytes. The header is MAGIC and then four 32-bit numbers, little-endian: the version, the
 * size of the head in bytes, the number of entries, and the size of the names in bytes.
 */
export const HEADER_BYTES = 24;

/**
 * The size in bytes of a record; each entry has one. RECORD has the offset of each field in the record. All numbers are
 * little-endian and all sizes are in bytes. `nameStart` (32 bits) is the offset of the path from the beginning of the
 * names. `pathBytes` (16 bits) is the size of the path. `kind` (16 bits) is a value of KIND. `size` (64 bits) is the
 * size of the file, or of the target of a link. `digest` (32 bytes) is the SHA-256 of the file.
 */
export const RECORD_BYTES = 48;
export const RECORD = { nameStart: 0, pathBytes: 4, kind: 6, size: 8, digest: 16 } as const;
/** The kinds of entries. The target of a link directly follows its path among the names. */
export const KIND = { file: 0, link: 1 } as const;

/** The content type (OID) that the signature covers. It was made from a UUID, so that nothing else uses it. */
export const TRUST_INDEX_OID = "2.25.213635600933900886167909968535539274014";

export const LIMITS = {
	headBytes: 2 ** 21,
	entries: 2 ** 21,
	nameBytes: 2 ** 29,
	signatureBytes: 2 ** 20,
	/**
	 * The limit in UTF-8 for a path, and also for the target of a link. It is PATH_MAX of Linux, which accepts nothing
	 * longer.
	 */
	pathBytes: 4096,
	products: 256,
	/** So many texts with their files take 1.2 MiB of the head, and leave the rest to the policy and the products. */
	texts: 8192,
} as const;

/** The largest size of an index, 1 GiB. */
export const MAX_TRUST_INDEX_BYTES = 2 ** 30;
