/** Where things lie in a trust index (`.sigx`), for its writer and its reader. docs/trust-index.md has the tables. */

/** First octets: no text, and damaged by transfers that change line ends. */
export const MAGIC: readonly number[] = [0x89, 0x53, 0x49, 0x47, 0x58, 0x0d, 0x0a, 0x1a];
export const FORMAT_VERSION = 1;

/** Magic, version, then the octets of the head, the number of entries and the octets of the names; 32 bits each. */
export const HEADER_BYTES = 24;

/** An entry: where its name starts, octets of its path, kind, size, digest. */
export const RECORD_BYTES = 48;
export const RECORD = { nameStart: 0, pathBytes: 4, kind: 6, size: 8, digest: 16 } as const;
/** `link`: the size is its target's, which follows the path among the names. */
export const KIND = { file: 0, link: 1 } as const;

/** What the signature's contentType says: an arc of our own, from a UUID, used for nothing else. */
export const TRUST_INDEX_OID = "2.25.213635600933900886167909968535539274014";

export const LIMITS = {
	headBytes: 2 ** 20,
	entries: 2 ** 21,
	nameBytes: 2 ** 29,
	signatureBytes: 2 ** 20,
	/** Of a path and of a link's target; the kernel takes no longer ones. */
	pathBytes: 4096,
	products: 256,
} as const;

/** The largest index: 1 GiB. */
export const MAX_TRUST_INDEX_BYTES = 2 ** 30;
