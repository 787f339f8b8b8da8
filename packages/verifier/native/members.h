/* Settings by name: what they are to be, and where they are put. */
#ifndef SIGTOOL_MEMBERS_H
#define SIGTOOL_MEMBERS_H
#include "json.h"
#include <stdbool.h>

/*
 * `is`: any, switch, number, version (the number 1, which has to be there), text, path, digest
 * (SHA-256 in hexadecimal), texts, list (of objects) or object; or words, of which it is one.
 * `place`, which may be NULL, and is for a version: of a switch or a word an int, of a number a
 * uint64_t, of what is text its characters, else the value. A member of an object, or of the
 * objects in a list, is named behind it and a dot.
 */
struct member {
	const char *name, *is;
	void *place;
};

/* Where a word stands among others, which a space parts; -1 where it does not. */
int word_index(const char *word, const char *words);

/* NULL where there is none. `members` end with one that has no name. */
const struct member *find_member(const struct member *members, const char *name);

/* Whether the value is what the member is to be; then it is in its place. */
bool take_member(const struct member *member, const struct json *value);

/* NULL, or the name of what in the object is none of the members, there twice, or not what it is to
 * be; `of` is "". */
const char *read_members(const struct json *object, const char *of, const struct member *members);

#endif
