/* Parses JSON (RFC 8259) in UTF-8, in place. Numbers and strings that C cannot represent exactly
 * have the kinds JSON_OTHER_NUMBER and JSON_OTHER_STRING. So a reader of settings can refuse them,
 * and a reader of any JSON can skip them. */
#ifndef SIGTOOL_JSON_H
#define SIGTOOL_JSON_H
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NULL,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NUMBER, /* a whole number of at most 2^53 - 1, written in digits alone */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_OTHER_NUMBER, /* has a sign, a fraction or an exponent, or is larger */
	JSON_OTHER_STRING, /* contains U+0000 or half of a surrogate pair; its `text` is empty */
};

/* Values are in an array, one after the other. The members of an object come right after it, each
 * as two values: the name and the value. */
struct json {
	enum json_kind kind;
	const char *text; /* the content of a string; ends with a NUL */
	uint64_t number;
	struct json *next; /* the position after this value and all that it contains */
};

/* Loops over the values of an array. A NULL counts as an empty array. */
#define EACH(value, array)                                                                         \
	for (const struct json *value = (array) == NULL ? NULL : (array) + 1;                          \
		(array) != NULL && value < (array)->next; value = value->next)

/* Parses `text` into `values` and returns `values`. Returns NULL if the text is not JSON in UTF-8,
 * or needs more than `room` values. A `room` of `size` / 2 + 2 is enough for every text. `text` has
 * `size` bytes, followed by a NUL. If it contains another NUL, it is not JSON. The text is
 * overwritten, and the values point into it. */
const struct json *parse_json(char *text, size_t size, struct json *values, size_t room);

/* Returns the value of the last member with this name, as JSON.parse does. Returns NULL if there is
 * no such member, or if `object` is NULL or no object. */
const struct json *json_member(const struct json *object, const char *name);

/* Returns the first object of the list whose member with this name has this text, or null. The list
 * may be null. */
const struct json *find_by(const struct json *list, const char *member, const char *text);

#endif
