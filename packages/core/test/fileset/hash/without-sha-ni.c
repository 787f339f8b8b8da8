/* Takes the place of sha-ni.c, for a processor without SHA-NI. */
#include "sha-ni.h"
#include <stdlib.h>

bool has_sha_ni(void)
{
	return false;
}

void add_blocks(uint32_t state[SHA256_WORDS], const uint8_t *content, size_t blocks)
{
	(void)state, (void)content, (void)blocks;
	abort();
}

void add_blocks_to_two(uint32_t *const states[2], const uint8_t *const contents[2], size_t blocks)
{
	(void)states, (void)contents, (void)blocks;
	abort();
}
