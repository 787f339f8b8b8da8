/* JSON (RFC 8259) in UTF-8, read in place. Values that C cannot hold exactly are accepted as JSON
 * and have a kind of their own, so that a reader of settings refuses them and a reader of any JSON
 * goes past them. */
#ifndef SIGTOOL_JSON_H
#define SIGTOOL_JSON_H
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NULL,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NUMBER, /* whole, written in digits alone, at most 2^53 - 1 */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_OTHER_NUMBER, /* has a sign, a fraction or an exponent, or is larger */
	JSON_OTHER_STRING, /* holds U+0000 or half of a surrogate pair; its `text` is empty */
};

/* Values lie one behind the other, those of an object as its name and its value each. */
struct json {
	enum json_kind kind;
	const char *text; /* of a string; ends with a NUL */
	uint64_t number;
	struct json *next; /* behind all of this value */
};

/* Goes through the values of an array, which may be NULL. */
#define EACH(value, array)                                                                         \
	for (const struct json *value = (array) == NULL ? NULL : (array) + 1;                          \
		(array) != NULL && value < (array)->next; value = value->next)

/* Returns the document, which is `values`. NULL: it is not JSON in UTF-8, or `room` values do not
 * suffice; `size` / 2 + 2 suffice for any. `text` ends with a NUL, behind `size` bytes unless
 * one is among them; it is changed and stays in use. */
const struct json *parse_json(char *text, size_t size, struct json *values, size_t room);

/* Returns the value of the last member of that name, as JSON.parse has it. NULL: the object is
 * NULL, is none, or has no such member. */
const struct json *json_member(const struct json *object, const char *name);

#endif
