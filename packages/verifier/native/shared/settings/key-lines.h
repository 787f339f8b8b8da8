/* Reads lines `key value` as the members of an object. parseKeyLines() of
 * packages/core/src/trust/settings-text.ts reads them in the same way. */
#ifndef SIGTOOL_KEY_LINES_H
#define SIGTOOL_KEY_LINES_H
#include "members.h"

enum { MAX_LINES = 256, KEY_LINES_ROOM = 6 * MAX_LINES };

/* Returns the object as a document for read_members(). The object is made in `values`, which has
 * room for KEY_LINES_ROOM values. Nothing is allocated. `text` has a NUL after `size` bytes. The
 * text is overwritten, and the values point into it. Returns NULL, with the reason in `fault`, if a
 * line is not `key value` or its key is unknown or repeated. */
const struct json *parse_key_lines(char *text, size_t size, const struct member *members,
	struct json *values, struct fault *fault);

#endif
