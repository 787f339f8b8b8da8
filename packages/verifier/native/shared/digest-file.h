/* SHA-256 of the bytes that one reading of a file gives, by the libcrypto in the process: OpenSSL
 * as Node.js exports it, or the one that is linked into spython. */
#ifndef SIGTOOL_DIGEST_FILE_H
#define SIGTOOL_DIGEST_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Returns false if the process exports no libcrypto or that has no SHA-256, as in some builds of
 * Node.js; digest_file() then fails with EIO. May be called from any thread. */
bool can_digest(void);

/* Reads an open file from its current offset to its end, or until `size` bytes were read, and
 * digests exactly these bytes. Returns their number, and their digest in `sha256`; or -1 with errno
 * set: EIO if libcrypto failed, else read(2)'s.
 *
 * `content` has room for `size` bytes and receives them; NULL if they are not wanted. `is_ascii`,
 * if it is not NULL, becomes false if one of the bytes is not ASCII. With `overlaps` a file of at
 * least 1 MiB is digested by a thread of its own while it is read; then `content` must not be
 * NULL. */
ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32]);

#endif
