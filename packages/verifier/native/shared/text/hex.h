/* Converts bytes to lower-case hexadecimal text, and back. */
#ifndef SIGTOOL_HEX_H
#define SIGTOOL_HEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

/* Writes 64 digits in lower case and a NUL. */
void to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX + 1]);

/* Returns true if the text is exactly 64 hexadecimal digits in lower case. */
bool is_sha256_hex(const char *text);

/* Returns true if the text is hexadecimal digits in lower case, at least two, and two for each
 * byte. */
bool is_hex(const char *text);

/* Writes the bytes of a text that is_hex() accepts, and returns how many they are. `bytes` has room
 * for half as many as the text has digits. */
size_t from_hex(const char *text, uint8_t *bytes);

#endif
