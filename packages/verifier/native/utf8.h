/* UTF-8 (RFC 3629). */
#ifndef SIGTOOL_UTF8_H
#define SIGTOOL_UTF8_H
#include <stdbool.h>
#include <stddef.h>

/* Length of the character that begins here, in its shortest form and no half of a pair; 0 where
 * there is none. A NUL ends one too. */
size_t utf8_length(const unsigned char *at, size_t left);

bool is_utf8(const unsigned char *bytes, size_t size);

/* Whether any of it is no ASCII. */
bool has_high_bit(const unsigned char *bytes, size_t size);

#endif
