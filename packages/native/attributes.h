/*
 * Extended attributes that are a hash of the content, written as
 * packages/core/src/fileset/attribute-writer.ts does it: only what differs, through the descriptor
 * the content was read by, and taken back when something goes wrong.
 */

#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include "node-api.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
	MOST_ATTRIBUTES = 4,
	ATTRIBUTE_DIGEST_BYTES = 32,
	ATTRIBUTE_NAME_BYTES = 256,
	ATTRIBUTE_PREFIX_BYTES = 8,
	/* A value from before that is longer is left to JavaScript. */
	PREVIOUS_BYTES = 512,
};

struct attribute {
	char name[ATTRIBUTE_NAME_BYTES];
	/* In front of the digest. */
	uint8_t prefix[ATTRIBUTE_PREFIX_BYTES];
	size_t prefix_bytes;
	/* Lowercase hexadecimal instead of octets. */
	bool hex;
};

struct attributes {
	int count;
	struct attribute list[MOST_ATTRIBUTES];
	/* AttributeCounts of attribute-writer.ts: written and unchanged, for each. */
	_Atomic int32_t *counts;
};

/* What a file had, for undoing. */
struct attachment {
	int written;
	struct {
		int attribute;
		/* -1: there was none. */
		long bytes;
		uint8_t value[PREVIOUS_BYTES];
	} before[MOST_ATTRIBUTES];
};

/* Reads DigestAttributes of attribute-writer.ts; false for what cannot be written here. */
bool read_attributes(struct attributes *attributes, napi_env env, napi_value given);

/* Gives an open file its values, unless it lies elsewhere than at `path` by now. False when that
 * did not work: then nothing was written, and JavaScript may say what is wrong. */
bool attach(const struct attributes *attributes, int file, const char *path, const uint8_t *digest,
	struct attachment *attachment);

/* The content is no longer what it was. */
void detach(const struct attributes *attributes, int file, const struct attachment *attachment);

/* The content is what it was: counts what was done. */
void count_attached(const struct attributes *attributes, const struct attachment *attachment);

#endif
