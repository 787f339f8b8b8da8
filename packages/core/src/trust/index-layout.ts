/** Defines the layout of a trust index (`.sigx`) for its encoder and its parser. docs/trust-index.md has the tables. */

/**
 * The first bytes of an index. They are not text, and they reveal a transfer that changed line ends, because it damages
 * them.
 */
export const MAGIC: readonly number[] = [0x89, 0x53, 0x49, 0x47, 0x58, 0x0d, 0x0a, 0x1a];
export const FORMAT_VERSION = 1;

/**
 * The header has MAGIC, and then four 32-bit numbers: the version, the size of the head in bytes, the number of
 * entries, and the size of the names in bytes.
 */
export const HEADER_BYTES = 24;

/**
 * Each entry has a record of this size. RECORD has the offset of each field in it: the offset of the path among the
 * names, the size of the path in bytes, the kind, the size of the file or of the link's target, and the file's digest.
 */
export const RECORD_BYTES = 48;
export const RECORD = { nameStart: 0, pathBytes: 4, kind: 6, size: 8, digest: 16 } as const;
/** In a `link` record, `size` is the size of the target, which follows the path among the names. */
export const KIND = { file: 0, link: 1 } as const;

/** The contentType of the signature. It was made from a UUID and has no other use. */
export const TRUST_INDEX_OID = "2.25.213635600933900886167909968535539274014";

export const LIMITS = {
	headBytes: 2 ** 20,
	entries: 2 ** 21,
	nameBytes: 2 ** 29,
	signatureBytes: 2 ** 20,
	/** The limit for a path and for the target of a link. The kernel accepts no longer path or target. */
	pathBytes: 4096,
	products: 256,
} as const;

/** The largest size of an index, 1 GiB. */
export const MAX_TRUST_INDEX_BYTES = 2 ** 30;
