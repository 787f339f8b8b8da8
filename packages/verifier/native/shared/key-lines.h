/* Lines `key value`, which stand for the members of an object. parseKeyLines() of
 * packages/core/src/trust/settings-text.ts reads them alike. */
#ifndef SIGTOOL_KEY_LINES_H
#define SIGTOOL_KEY_LINES_H
#include "members.h"

enum { MAX_LINES = 256, KEY_LINES_ROOM = 6 * MAX_LINES };

/* Returns the object as a document for read_members(), made in `values` of KEY_LINES_ROOM; nothing
 * is allocated. `text` has a NUL at `size`, is changed, and stays in use. NULL: `fault` says which
 * line is none, or what has no place in it. */
const struct json *parse_key_lines(char *text, size_t size, const struct member *members,
	struct json *values, struct fault *fault);

#endif
