/* Reads a file once and computes the SHA-256 of exactly the bytes that were read. It uses
 * libcrypto: the OpenSSL that Node.js exports, or the one that is linked into spython. */
#ifndef SIGTOOL_DIGEST_FILE_H
#define SIGTOOL_DIGEST_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Returns false if the process has no libcrypto with SHA-256, as in some builds of Node.js. Then
 * digest_file() fails with EIO. May be called from any thread. */
bool can_digest(void);

/* Reads an open file from its current offset to its end, or until `size` bytes were read, and
 * writes the digest of exactly these bytes to `sha256`. Returns the number of these bytes, or -1
 * with errno: EIO if libcrypto failed, else the errno of read(2).
 *
 * `content` has room for `size` bytes and receives the bytes. It is NULL if the caller does not
 * want the bytes. `is_ascii` is NULL, or receives true if all bytes are ASCII, else false. If
 * `overlaps` is true and `size` is at least 1 MiB, a second thread digests the bytes while they are
 * read, and `content` must not be NULL. */
ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32]);

#endif
