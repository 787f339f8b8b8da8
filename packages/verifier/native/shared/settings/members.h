/* Judges documents of settings by the tables in schema.c, exactly as readShape() of
 * packages/core/src/trust/shape.ts does. A whole document is judged, even the members that a reader
 * does not use. A member that the table does not have is refused. An absent member gets the default
 * of the table. */
#ifndef SIGTOOL_MEMBERS_H
#define SIGTOOL_MEMBERS_H
#include "../text/json.h"
#include <stdbool.h>

enum member_kind {
	IS_ANY,
	IS_DIGEST, /* SHA-256 in lower-case hexadecimal */
	IS_DOTTED, /* words with dots between them, such as the name of a module */
	IS_EVENT, /* the name of an audit event of CPython, or * */
	IS_FILENAME, /* the name of a file, without a slash */
	IS_GLOB, /* a relative path with `*` and `**` */
	IS_HEX, /* bytes in lower-case hexadecimal */
	IS_LABEL, /* a letter, and at most 63 letters, digits, dots, `-` and `_` */
	IS_LINE, /* a text that is not empty and has no control characters */
	IS_NUMBER,
	IS_OBJECT,
	IS_PATH, /* an absolute path as the kernel returns it: no empty step, no `.`, no `..` */
	IS_ROOT, /* an absolute path of any system */
	IS_SUBJECT, /* a name of RFC 4514 without spaces around its separators */
	IS_SWITCH,
	IS_TEXT, /* a text that is not empty */
	IS_TIME, /* a day, or a time in UTC */
	IS_TRUE,
	IS_URL,
	IS_VARIABLE, /* the name of an environment variable, or its beginning and `*` */
	IS_VERSION, /* the number 1 */
	IS_WORD,
};

enum member_flags {
	LIST = 1, /* the member is a list, and `kind` is that of each item */
	UNIQUE = 2, /* no two items of this list, or of the list of objects around it, are equal */
	OPTIONAL = 4,
	ONE_OF = 8, /* an object must have exactly one of the members with this flag */
	SOME_OF = 16, /* an object must have at least one of the members with this flag */
	ASCENDING = 32, /* each text of this list is greater than the one before it */
};

/* Describes one row of a table. A row without a name ends the table. The name of a member of an
 * object, or of the objects in a list, is the name of the object or list, a dot, and the member's
 * own name. */
struct member {
	const char *name;
	enum member_kind kind;
	unsigned flags;
	const char *words; /* the words that IS_WORD allows, separated by spaces */
	uint64_t least; /* IS_NUMBER allows `least` to `most` */
	uint64_t most;
	uint64_t items; /* the largest number of items in a list; 0 means no limit */
	const char *needs; /* the members that must be present with this one, separated by spaces */
	const struct json *otherwise; /* the default; if NULL, the member is required unless OPTIONAL */
	const char *must; /* the reason for a refusal of a missing value or of another kind */
};

/* Describes a refusal. `at` is a path such as `$.files.maxSizeBytes`, or empty for the whole
 * document. `why` says what is wrong there. */
struct fault {
	char at[256];
	char why[256];
};

/* Judges a document. If `document` is NULL, the text was not JSON. Returns false with the reason in
 * `fault`. `values` receives one value for each row of the table: that of the document, else the
 * default, else NULL. The rows of objects in lists get NULL. */
bool read_members(const struct json *document, const struct member *members,
	const struct json **values, struct fault *fault);

/* Writes a place and a reason to `fault`. Returns false. */
bool refuse_member(struct fault *fault, const char *why, const char *at, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns the row with this name, or NULL. */
const struct member *find_member(const struct member *members, const char *name);

/* Returns the text of a value, or NULL if the value is NULL. */
const char *text_of(const struct json *value);

extern const char IS_UNKNOWN[];
extern const char IS_TWICE[];
extern const char IS_DISORDER[];

#endif
