/* Guarantees that the written text contains no control character and no line break. */
#include "escape.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DELETE = 127, LONGEST_ESCAPE = sizeof "\\u2028" };

/* Writes the escape of the character that begins at `at`, which is followed by a NUL somewhere.
 * Returns the length of the character in bytes, or 0 if it needs no escape. */
static size_t escape_one(const unsigned char *at, char to[LONGEST_ESCAPE])
{
	const bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
	const bool is_separator = at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9);
	if (is_separator) {
		snprintf(to, LONGEST_ESCAPE, "\\u20%02x", at[2] - 0x80);
		return 3;
	}
	if (is_c1) {
		snprintf(to, LONGEST_ESCAPE, "\\x%02x", at[1]);
		return 2;
	}
	if (at[0] >= ' ' && at[0] != DELETE)
		return 0;
	snprintf(to, LONGEST_ESCAPE, "\\x%02x", at[0]);
	return 1;
}

void escape_controls(const char *text, char *to, size_t room)
{
	size_t length = 0;
	while (*text != '\0' && length + LONGEST_ESCAPE < room) {
		const size_t escaped = escape_one((const unsigned char *)text, to + length);
		if (escaped == 0) {
			to[length] = *text;
			length++;
			text++;
		} else {
			length += strlen(to + length);
			text += escaped;
		}
	}
	to[length] = '\0';
}
