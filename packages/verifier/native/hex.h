/* SHA-256 in hexadecimal, in lower case. */
#ifndef SIGTOOL_HEX_H
#define SIGTOOL_HEX_H
#include <stdbool.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

void to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX + 1]);
bool is_sha256_hex(const char *text);

#endif
