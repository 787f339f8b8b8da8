/* SHA-256 digests in lower-case hexadecimal, the one form in which they are compared. */
#ifndef SIGTOOL_HEX_H
#define SIGTOOL_HEX_H
#include <stdbool.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

/* Writes 64 digits and a NUL. */
void to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX + 1]);

/* Returns whether the text is 64 digits and nothing else; upper case is not. */
bool is_sha256_hex(const char *text);

#endif
