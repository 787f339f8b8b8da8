/* The layout of a trust index: a header, the head, the records, the names, and the signature.
 * docs/reference/trust-index.md has the details. */
#ifndef SIGTOOL_INDEX_LAYOUT_H
#define SIGTOOL_INDEX_LAYOUT_H
#include <stdint.h>

/* The size of the header, and the offsets of its fields in the file, in bytes. Before them are the
 * magic bytes. */
enum {
	VERSION_AT = 8,
	HEAD_BYTES_AT = 12,
	ENTRIES_AT = 16,
	NAMES_BYTES_AT = 20,
	HEADER_BYTES = 24,
};

/* The size of a record, and the offsets of its fields in bytes. A record begins with the offset of
 * its path in the names (four bytes). */
enum {
	RECORD_BYTES = 48,
	PATH_BYTES_AT = 4, /* the path's length (two bytes) */
	KIND_AT = 6, /* FILE_KIND or LINK_KIND (two bytes) */
	SIZE_AT = 8, /* the file's size, or the length of a link's target (eight bytes) */
	DIGEST_AT = 16, /* the file's SHA-256 */
	FILE_KIND = 0,
	LINK_KIND = 1,
};

/* Reads an unsigned little-endian number of two bytes; `at` needs no alignment. */
static inline uint16_t read_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* Reads an unsigned little-endian number of four bytes; `at` needs no alignment. */
static inline uint32_t read_u32(const unsigned char *at)
{
	return read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

#endif
