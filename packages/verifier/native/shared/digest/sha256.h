/* Computes SHA-256 (FIPS 180-4) without a library, because the launcher has none but libc, and the
 * gate runs before the program's own libcrypto is set up. */
#ifndef SIGTOOL_SHA256_H
#define SIGTOOL_SHA256_H
#include "../text/hex.h"
#include <stddef.h>
#include <stdint.h>

/* A digest of bytes that come piece by piece. */
struct sha256 {
	uint32_t state[8];
	uint8_t kept[128]; /* bytes that do not fill a block of 64 yet, with room for the padding */
	size_t kept_count;
	uint64_t total; /* of bytes */
};
void sha256_begin(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *bytes, size_t length);
void sha256_end(struct sha256 *sum, uint8_t digest[SHA256_BYTES]);

void sha256_bytes(const void *bytes, size_t length, uint8_t digest[SHA256_BYTES]);

/* Digests a file from its beginning to its end, and leaves its offset as it is. Returns 0, or -1
 * with errno. */
int sha256_file(int descriptor, char hex[SHA256_HEX + 1]);

#endif
