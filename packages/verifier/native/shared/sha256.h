/* Computes SHA-256 (FIPS 180-4) without a library, because the launcher has none but libc, and the
 * gate runs before the program's own libcrypto is set up. */
#ifndef SIGTOOL_SHA256_H
#define SIGTOOL_SHA256_H
#include "hex.h"
#include <stddef.h>
#include <stdint.h>

void sha256_bytes(const void *bytes, size_t length, uint8_t digest[SHA256_BYTES]);

/* Digests a file from its beginning to its end, and leaves its offset as it is. Returns 0, or -1
 * with errno. */
int sha256_file(int descriptor, char hex[SHA256_HEX + 1]);

#endif
