/*
 * Writes the digest of a file's content to extended attributes, while the file is hashed. Only
 * values that differ are written, through the descriptor by which the content was read. If the
 * content changes or a write fails, detach() restores the previous values, as far as the system
 * allows. This file assumes that nobody else writes the same attributes meanwhile.
 *
 * The JavaScript in packages/core/src/fileset/attribute-writer.ts has the same guarantees.
 */

#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include "node-api.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
	MAX_ATTRIBUTES = 4,
	ATTRIBUTE_DIGEST_BYTES = 32,
	ATTRIBUTE_NAME_BYTES = 256,
	ATTRIBUTE_PREFIX_BYTES = 8,
	/* If the previous value of an attribute is longer, JavaScript writes the attribute, because
	 * detach() could not restore that value. */
	PREVIOUS_BYTES = 512,
};

struct attribute {
	char name[ATTRIBUTE_NAME_BYTES];
	/* The bytes that precede the digest in the attribute's value. */
	uint8_t prefix[ATTRIBUTE_PREFIX_BYTES];
	size_t prefix_bytes;
	/* True if the digest is written in lower-case hexadecimal instead of bytes. */
	bool hex;
};

struct attributes {
	int count;
	struct attribute list[MAX_ATTRIBUTES];
	/* This is AttributeCounts of attribute-writer.ts. It has two numbers for each attribute i:
	 * counts[2 * i] is the number of files in which the attribute was written, and counts[2 * i +
	 * 1] the number of files that already had the value. JavaScript owns the memory. */
	_Atomic int32_t *counts;
};

/* The value that an attribute had before it was written. */
struct previous_value {
	/* The index in the list of attributes. */
	int attribute;
	/* The length of `value` in bytes, or -1 if the file had no such attribute. */
	long bytes;
	uint8_t value[PREVIOUS_BYTES];
};

/* The attributes that attach() wrote to one file. */
struct attachment {
	int written;
	struct previous_value before[MAX_ATTRIBUTES];
};

/* Reads DigestAttributes of attribute-writer.ts. Returns false for attributes that only JavaScript
 * can write. `given` must stay referenced as long as `attributes` is used. */
bool read_attributes(struct attributes *attributes, napi_env env, napi_value given);

/* Writes the values for `digest`, which has ATTRIBUTE_DIGEST_BYTES bytes, to an open file. Returns
 * false if the file is not at the absolute path `path` any more, or if reading or writing an
 * attribute fails. In these cases the previous values have been restored, and JavaScript reports
 * the failure. */
bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment);

/* Restores the values that the file had before attach(). Failures are ignored. */
void detach(const struct attributes *attributes, int file, const struct attachment *attachment);

/* Adds to `counts` what attach() did. The caller first checks that the content is unchanged. */
void count_attached(const struct attributes *attributes, const struct attachment *attachment);

#endif
