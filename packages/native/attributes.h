/*
 * Writes the digest of a file's content to extended attributes, while the file is hashed. Only
 * values that differ are written, through the descriptor by which the content was read. Guarantees
 * that detach() restores the previous values if the content changes or a write fails, as far as the
 * system allows. This file assumes that nobody else writes the same attributes meanwhile.
 *
 * packages/core/src/fileset/attribute-writer.ts does the same in JavaScript.
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
	/* JavaScript handles a file with a longer value, because detach() could not restore that. */
	PREVIOUS_BYTES = 512,
};

struct attribute {
	char name[ATTRIBUTE_NAME_BYTES];
	/* The bytes of the value before the digest. */
	uint8_t prefix[ATTRIBUTE_PREFIX_BYTES];
	size_t prefix_bytes;
	/* True if the digest is written in lower-case hexadecimal instead of bytes. */
	bool hex;
};

struct attributes {
	int count;
	struct attribute list[MAX_ATTRIBUTES];
	/* AttributeCounts of attribute-writer.ts: for each attribute the number of files in which it
	 * was written, then of those in which it was unchanged. JavaScript owns the memory. */
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

/* Writes the values for `digest`, which has ATTRIBUTE_DIGEST_BYTES, to an open file. Writes nothing
 * if the file is not at the absolute path `path` any more. Returns false in that case, and if
 * writing fails. Then the file has its previous values, and JavaScript words the failure. */
bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment);

/* Restores the values before attach(). Failures are ignored. */
void detach(const struct attributes *attributes, int file, const struct attachment *attachment);

/* Counts what attach() did. It has to be called after the content was found to be unchanged. */
void count_attached(const struct attributes *attributes, const struct attachment *attachment);

#endif
