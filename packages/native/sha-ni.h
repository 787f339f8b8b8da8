/* Computes SHA-256 (FIPS 180-4) of whole blocks with the instructions SHA-NI of x86-64. Each of
 * these instructions waits for the one before it. So a processor computes two digests at once in
 * six tenths of the time that it takes for them one after the other. */

#ifndef SHA_NI_H
#define SHA_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCK_BYTES = 64, SHA256_WORDS = 8 };

/* Returns false if the processor does not have the instructions. Then no other function of this
 * file may be called. */
bool has_sha_ni(void);

/* Updates `state` with `blocks` blocks from `content`. */
void add_blocks(uint32_t state[SHA256_WORDS], const uint8_t *content, size_t blocks);

/* Does what add_blocks() does for each of two states and contents, which must be distinct. */
void add_blocks_to_two(uint32_t *const states[2], const uint8_t *const contents[2], size_t blocks);

#endif
