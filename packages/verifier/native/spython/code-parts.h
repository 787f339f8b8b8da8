/* The parts of a text that is code of Python: what may occur in it, and what not. */
#ifndef SPYTHON_CODE_PARTS_H
#define SPYTHON_CODE_PARTS_H
#include <stdbool.h>
#include <stddef.h>

/* The state of reading a text part by part. */
struct reading {
	const char *next;
	const char *words; /* the words of the language that may occur */
	const char *signs; /* the other characters that may occur */
	bool is_of_method; /* strings may be f-strings, and defaults may be made, as dataclasses does */
	/* The part before is a value, so that a parenthesis would call it. */
	bool is_value;
	bool is_called; /* the part before makes the default of a field */
};

/* Returns true if the whole text consists of parts that `reading` allows. */
bool is_of_parts(struct reading *reading);

/* Returns the length of the name at the beginning of the text, or 0 if there is none. */
size_t name_length(const char *text);

bool starts_with(const char *text, const char *start);

/* Returns what stands behind `start`, in which a * is any name. Returns null if the line begins
 * otherwise. */
const char *behind_start(const char *line, const char *start);

#endif
