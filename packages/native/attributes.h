/*
 * Writes extended attributes that hold the digest of the content, while a file is hashed. Only
 * values that differ are written, through the descriptor by which the content was read. If the
 * content changes or a write fails, detach() restores the previous values, as far as the system
 * allows. This file assumes that nobody else writes the same attributes meanwhile.
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
	/* A file with a longer value, which detach() could not restore, is left to JavaScript. */
	PREVIOUS_BYTES = 512,
};

struct attribute {
	char name[ATTRIBUTE_NAME_BYTES];
	/* Bytes in front of the digest. */
	uint8_t prefix[ATTRIBUTE_PREFIX_BYTES];
	size_t prefix_bytes;
	/* The digest is written in lower-case hexadecimal instead of bytes. */
	bool hex;
};

struct attributes {
	int count;
	struct attribute list[MAX_ATTRIBUTES];
	/* AttributeCounts of attribute-writer.ts: written and unchanged, for each attribute. JavaScript
	 * owns the memory. */
	_Atomic int32_t *counts;
};

/* The value that an attribute had before it was written. */
struct previous_value {
	/* Index in the list of attributes. */
	int attribute;
	/* -1 where the file had no such attribute. */
	long bytes;
	uint8_t value[PREVIOUS_BYTES];
};

/* The attributes that attach() wrote to one file. */
struct attachment {
	int written;
	struct previous_value before[MAX_ATTRIBUTES];
};

/* Reads DigestAttributes of attribute-writer.ts. Returns false for attributes that cannot be
 * written here. `given` must stay referenced as long as `attributes` is used. */
bool read_attributes(struct attributes *attributes, napi_env env, napi_value given);

/* Gives an open file the values that belong to `digest`, which has ATTRIBUTE_DIGEST_BYTES. Writes
 * nothing when the file is not at the absolute path `path` any more. Returns false when that, or
 * writing, failed: then the file has its previous values, and JavaScript words the failure. */
bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment);

/* Restores the previous values, after the content has changed. Failures are ignored. */
void detach(const struct attributes *attributes, int file, const struct attachment *attachment);

/* Counts what attach() did, after the content proved to be unchanged. */
void count_attached(const struct attributes *attributes, const struct attachment *attachment);

#endif
