/* Documents of settings, judged by the tables in schema.c. Each reader judges all of a document,
 * also what it does not use, exactly as readShape() of packages/core/src/trust/shape.ts does:
 * nothing is accepted that a table does not have, and what is absent has the table's default. */
#ifndef SIGTOOL_MEMBERS_H
#define SIGTOOL_MEMBERS_H
#include "json.h"
#include <stdbool.h>

enum member_kind {
	IS_ANY,
	IS_DIGEST, /* SHA-256 in lower-case hexadecimal */
	IS_EVENT, /* the name of an audit event of CPython, or * */
	IS_LINE, /* text without control characters, not empty */
	IS_NUMBER,
	IS_OBJECT,
	IS_PATH, /* absolute, as the kernel gives it back: no empty step, no `.`, no `..` */
	IS_ROOT, /* absolute on any system */
	IS_SWITCH,
	IS_TEXT, /* not empty */
	IS_TRUE,
	IS_VERSION, /* the number 1 */
	IS_WORD,
};

enum member_flags {
	LIST = 1, /* the kind is that of each item */
	UNIQUE = 2, /* no two items of the list, or of the list around it, are equal here */
	OPTIONAL = 4,
	ONE_OF = 8, /* exactly one of these is in an object */
	SOME_OF = 16, /* at least one of these is in an object */
};

/* One row of a table, which ends with one that has no name. A member of an object, or of the
 * objects in a list, is named behind it and a dot. */
struct member {
	const char *name;
	enum member_kind kind;
	unsigned flags;
	const char *words; /* of IS_WORD, parted by a space each */
	uint64_t least; /* of IS_NUMBER */
	uint64_t most;
	uint64_t items; /* the most of a list; 0: any number */
	const char *needs; /* members that must be beside it, parted by a space each */
	const struct json *otherwise; /* the default; NULL: it must be there, unless it is OPTIONAL */
	const char *must; /* why a value of another kind is refused */
};

/* Why a document is refused: a path such as `$.files.maxSizeBytes`, empty for the document as a
 * whole, and what is wrong there. */
struct fault {
	char at[256];
	char why[256];
};

/* Judges a document, which is NULL where it is no JSON. `values` gets the value of each row of the
 * table, the default where it is absent, else NULL; rows of objects in lists have none. */
bool read_members(const struct json *document, const struct member *members,
	const struct json **values, struct fault *fault);

/* Puts what is wrong into `fault`. Returns false. */
bool refuse_member(struct fault *fault, const char *why, const char *at, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns the row of a name, or NULL. */
const struct member *find_member(const struct member *members, const char *name);

/* Returns where a word stands among others, which a space parts, or -1. */
int word_index(const char *word, const char *words);

/* Returns the text of a value, NULL where it is absent. */
const char *text_of(const struct json *value);

extern const char IS_UNKNOWN[];
extern const char IS_TWICE[];

#endif
