/* SHA-256 of a file, by the libcrypto that is in the process. */
#ifndef SIGTOOL_DIGEST_FILE_H
#define SIGTOOL_DIGEST_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* False where a Node.js does not export its libcrypto. */
bool can_digest(void);

/*
 * Reads an open file to its end, or to `size` octets, and returns how many there were; -1, with
 * errno, when that fails. NULL for `content` when they are not wanted, and for `is_ascii` when it
 * is not. `overlaps`: what is large is digested by a thread of its own while it is read.
 */
ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32]);

#endif
