/* Converts SHA-256 digests to lower-case hexadecimal text. */
#ifndef SIGTOOL_HEX_H
#define SIGTOOL_HEX_H
#include <stdbool.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

/* Writes 64 digits in lower case and a NUL. */
void to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX + 1]);

/* Returns true if the text is exactly 64 hexadecimal digits in lower case. */
bool is_sha256_hex(const char *text);

#endif
