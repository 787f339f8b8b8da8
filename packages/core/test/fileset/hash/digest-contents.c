/* Digests contents with SHA-NI, two at once. native-digests.test.ts builds this program with
 * sanitizers.
 *
 * Usage: `digest-contents SEED <CONTENTS`, where each content has its length before it, in four
 * bytes, little-endian. Every content is split at random places. Prints the digests in the order of
 * the contents. Ends with status 2 if the processor has no SHA-NI. */
#include "digest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONTENTS = 10000, MAX_PIECE_BLOCKS = 40 };

struct content {
	uint8_t *bytes;
	size_t length;
	uint8_t digest[DIGEST_BYTES];
};

/* A content that is being digested. `piece` has exactly the size that give_piece() may use, so that
 * AddressSanitizer watches the memory behind it. */
struct slot {
	struct content *content;
	size_t done;
	uint8_t *piece;
	struct digest digest;
};

static struct content contents[MAX_CONTENTS];
static size_t content_count;
static size_t begun;

/* xorshift64 */
static uint64_t state;
static uint64_t any(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static void read_contents(void)
{
	uint8_t length[4];
	while (content_count < MAX_CONTENTS && fread(length, 1, sizeof length, stdin) == 4) {
		struct content *content = &contents[content_count++];
		content->length = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16;
		content->bytes = malloc(content->length + 1);
		if (fread(content->bytes, 1, content->length, stdin) != content->length)
			abort();
	}
}

static void give_next_piece(struct slot *slot)
{
	const size_t left = slot->content->length - slot->done;
	const size_t most = (1 + any(MAX_PIECE_BLOCKS)) * BLOCK_BYTES;
	const bool is_last = left <= most;
	const size_t bytes = is_last ? left : most;
	free(slot->piece);
	slot->piece = malloc(bytes + (is_last ? PADDING_BYTES : 0));
	memcpy(slot->piece, slot->content->bytes + slot->done, bytes);
	slot->done += bytes;
	give_piece(&slot->digest, slot->piece, bytes, is_last);
}

/* Ends the content of a slot, if it has one, and begins the next. Returns false if none is left. */
static bool begin_next_content(struct slot *slot)
{
	if (slot->content)
		end_digest(&slot->digest, slot->content->digest);
	slot->content = NULL;
	free(slot->piece);
	slot->piece = NULL;
	if (begun == content_count)
		return false;
	slot->content = &contents[begun++];
	slot->done = 0;
	begin_digest(&slot->digest);
	return true;
}

/* Gives the next piece, if there are no blocks. Returns false if no content is left. */
static bool has_blocks(struct slot *slot)
{
	if (slot->digest.blocks > 0)
		return true;
	const bool is_over = !slot->content || slot->done == slot->content->length;
	if (is_over && !begin_next_content(slot))
		return false;
	give_next_piece(slot);
	return true;
}

int main(int argc, char **argv)
{
	if (!has_sha_ni())
		return 2;
	state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	read_contents();
	struct slot slots[MAX_DIGESTS] = {0};
	for (;;) {
		struct digest *digests[MAX_DIGESTS];
		int count = 0;
		for (int i = 0; i < MAX_DIGESTS; i++)
			if (has_blocks(&slots[i]))
				digests[count++] = &slots[i].digest;
		if (count == 0)
			break;
		digest_blocks(digests, count);
	}
	for (size_t i = 0; i < content_count; i++) {
		for (int byte = 0; byte < DIGEST_BYTES; byte++)
			printf("%02x", contents[i].digest[byte]);
		puts("");
		free(contents[i].bytes);
	}
	return 0;
}

/* digest.c refers to these functions, but does not call them where SHA-NI is. */
EVP_MD_CTX *EVP_MD_CTX_new(void)
{
	abort();
}

void EVP_MD_CTX_free(EVP_MD_CTX *context)
{
	(void)context;
	abort();
}

int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *algorithm, void *engine)
{
	(void)context, (void)algorithm, (void)engine;
	abort();
}

int EVP_DigestUpdate(EVP_MD_CTX *context, const void *content, size_t bytes)
{
	(void)context, (void)content, (void)bytes;
	abort();
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned int *bytes)
{
	(void)context, (void)digest, (void)bytes;
	abort();
}
