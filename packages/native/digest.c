#include "digest.h"

#include <string.h>

enum { LENGTH_BYTES = 8 };

/* The initial state of FIPS 180-4, section 5.3.3. */
static const uint32_t INITIAL[SHA256_WORDS] = {
	0x6a09e667,
	0xbb67ae85,
	0x3c6ef372,
	0xa54ff53a,
	0x510e527f,
	0x9b05688c,
	0x1f83d9ab,
	0x5be0cd19,
};

static size_t add_padding(uint8_t *piece, size_t bytes, uint64_t content_bytes);
static void take_blocks(struct digest *digest, size_t blocks);

bool open_digest(struct digest *digest, const EVP_MD *sha256)
{
	memset(digest, 0, sizeof *digest);
	if (!sha256)
		return true;
	digest->context = EVP_MD_CTX_new();
	return digest->context && EVP_DigestInit_ex(digest->context, sha256, NULL);
}

void close_digest(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
}

void begin_digest(struct digest *digest)
{
	if (digest->context)
		EVP_DigestInit_ex(digest->context, NULL, NULL);
	memcpy(digest->state, INITIAL, sizeof INITIAL);
	digest->content_bytes = 0;
	digest->blocks = 0;
}

void give_piece(struct digest *digest, uint8_t *piece, size_t bytes, bool is_last)
{
	if (digest->context) {
		EVP_DigestUpdate(digest->context, piece, bytes);
		return;
	}
	digest->content_bytes += bytes;
	if (is_last)
		bytes = add_padding(piece, bytes, digest->content_bytes);
	digest->next = piece;
	digest->blocks = bytes / BLOCK_BYTES;
}

/* Adds the padding of FIPS 180-4, section 5.1.1, to the last piece: a bit 1, zeros, and the number
 * of all bits. Returns the length with the padding. */
static size_t add_padding(uint8_t *piece, size_t bytes, uint64_t content_bytes)
{
	const size_t blocks = (bytes + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
	const size_t padded = blocks * BLOCK_BYTES;
	const uint64_t bits = content_bytes * 8;
	memset(piece + bytes, 0, padded - bytes);
	piece[bytes] = 0x80;
	for (int i = 0; i < LENGTH_BYTES; i++)
		piece[padded - 1 - i] = (uint8_t)(bits >> 8 * i);
	return padded;
}

void digest_blocks(struct digest *const digests[], int count)
{
	struct digest *one = digests[0];
	if (count == 1) {
		add_blocks(one->state, one->next, one->blocks);
		take_blocks(one, one->blocks);
		return;
	}
	struct digest *other = digests[1];
	const size_t blocks = one->blocks < other->blocks ? one->blocks : other->blocks;
	uint32_t *const states[] = {one->state, other->state};
	const uint8_t *const contents[] = {one->next, other->next};
	add_blocks_to_two(states, contents, blocks);
	take_blocks(one, blocks);
	take_blocks(other, blocks);
}

static void take_blocks(struct digest *digest, size_t blocks)
{
	digest->next += blocks * BLOCK_BYTES;
	digest->blocks -= blocks;
}

bool end_digest(struct digest *digest, uint8_t bytes[DIGEST_BYTES])
{
	if (digest->context)
		return EVP_DigestFinal_ex(digest->context, bytes, NULL);
	for (int i = 0; i < DIGEST_BYTES; i++)
		bytes[i] = (uint8_t)(digest->state[i / 4] >> (24 - 8 * (i % 4)));
	return true;
}
