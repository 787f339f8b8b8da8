/* Computes the SHA-256 of contents that come in pieces. If the processor has SHA-NI, two digests
 * are computed at once. Else the OpenSSL inside Node.js computes one after the other. The digests
 * are the same. */

#ifndef DIGEST_H
#define DIGEST_H

#include "openssl-digest.h"
#include "sha-ni.h"

enum {
	DIGEST_BYTES = 32,
	/* So many digests are worth computing at once. */
	MAX_DIGESTS = 2,
	/* The room that give_piece() needs behind the last piece. */
	PADDING_BYTES = 2 * BLOCK_BYTES,
};

struct digest {
	/* NULL with SHA-NI, which alone uses the other members. */
	EVP_MD_CTX *context;
	uint32_t state[SHA256_WORDS];
	uint64_t content_bytes;
	/* The blocks of the last piece that are still to be digested. The owner of the digest keeps
	 * their memory as it is. */
	const uint8_t *next;
	size_t blocks;
};

/* Opens a digest that uses `sha256`, or SHA-NI if it is NULL. Returns false if that fails. Even
 * then close_digest() frees the digest. */
bool open_digest(struct digest *digest, const EVP_MD *sha256);
void close_digest(struct digest *digest);

/* Begins a new content, whatever became of the one before. */
void begin_digest(struct digest *digest);

/* Gives the next piece, after digest_blocks() has left no blocks of the one before. The length of
 * every piece but the last is a multiple of BLOCK_BYTES. The last one is overwritten behind its
 * end. */
void give_piece(struct digest *digest, uint8_t *piece, size_t bytes, bool is_last);

/* Digests blocks of each of the given digests, until one of them has none left. There are at most
 * MAX_DIGESTS, and each has blocks. */
void digest_blocks(struct digest *const digests[], int count);

/* Ends a content whose last piece was given and has no blocks left. Returns false if OpenSSL
 * fails. */
bool end_digest(struct digest *digest, uint8_t bytes[DIGEST_BYTES]);

#endif
