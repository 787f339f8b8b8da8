/* JSON (RFC 8259) as trust indexes, configurations and most of package.json have it: whole numbers
 * without a sign, at most 2^53; no `\u`, as UTF-8 stands for itself and control characters are in
 * no name. */
#ifndef SIGTOOL_JSON_H
#define SIGTOOL_JSON_H
#include <stddef.h>
#include <stdint.h>

/* Values lie one behind the other, an object's as a string and its value each; `next` is behind all
 * of one. */
struct json {
	enum {
		JSON_NULL,
		JSON_TRUE,
		JSON_FALSE,
		JSON_NUMBER,
		JSON_STRING,
		JSON_ARRAY,
		JSON_OBJECT
	} kind;
	const char *text; /* of a string; ends with a NUL */
	uint64_t number;
	struct json *next;
};

/* Through the values of an array, which may be NULL. */
#define EACH(value, array)                                                                         \
	for (const struct json *value = (array) == NULL ? NULL : (array) + 1;                          \
		(array) != NULL && value < (array)->next; value = value->next)

/* The document, which is `values`; NULL where it is none, or `room` does not suffice, as half of
 * `size` and two does for any. `text` has a NUL at `size`, is changed, and stays in use. */
const struct json *parse_json(char *text, size_t size, struct json *values, size_t room);

/* The last of that name, as JSON.parse has it; NULL where the object is NULL or none, or has no
 * such member. */
const struct json *json_member(const struct json *object, const char *name);

#endif
