/* Checks UTF-8 (RFC 3629). A character must have its shortest form, must be no surrogate, and must
 * not be above U+10FFFF. */
#ifndef SIGTOOL_UTF8_H
#define SIGTOOL_UTF8_H
#include <stdbool.h>
#include <stddef.h>

/* Returns the length, 1 to 4 bytes, of the character that begins at `at`, or 0 if none begins
 * there. `left` is the number of bytes that may be read, at least 1. It may be SIZE_MAX if the text
 * is well-formed, or ends with a NUL: a NUL continues no character, so no byte after it is read. */
size_t utf8_length(const unsigned char *at, size_t left);

/* Returns true if the `size` bytes are well-formed UTF-8. */
bool is_utf8(const unsigned char *bytes, size_t size);

/* Returns true if one of the `size` bytes is not ASCII. */
bool has_high_bit(const unsigned char *bytes, size_t size);

#endif
