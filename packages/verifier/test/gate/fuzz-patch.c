/* Gives bytes that may be no instructions to the decoder of one processor, which is linked.
 * patches.test.ts builds this program with AddressSanitizer for each.
 *
 * Usage: `fuzz-patch ROUNDS BEGINNING...`, with instructions that the decoder knows, in
 * hexadecimal. A round has 32 random bytes, or instructions of which some bits are flipped. Fails
 * if the decoder reads more than the 32 bytes, if it finds fewer bytes than a jump has, or if a
 * detour needs more than CODE_BYTES. Prints how many rounds had known beginnings, and how many had
 * their work elsewhere. */
#include "patch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN = 32 };

/* xorshift64 */
static uint64_t state = 0x9e3779b97f4a7c15;
static uint64_t any(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static size_t append_hex(const char *hex, uint8_t *bytes, size_t at)
{
	for (unsigned byte; at < SEEN && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[at++] = (uint8_t)byte;
	return at;
}

static void make_bytes(uint8_t *bytes, char **beginnings, size_t count)
{
	for (size_t i = 0; i < SEEN; i++)
		bytes[i] = (uint8_t)any(256);
	if (any(4) == 0)
		return;
	for (size_t at = 0; at < SEEN;)
		at = append_hex(beginnings[any(count)], bytes, at);
	for (uint64_t flips = any(4); flips > 0; flips--)
		bytes[any(SEEN)] ^= (uint8_t)(1 << any(8));
}

static void watch_nothing(struct arguments *arguments)
{
	(void)arguments;
}

int main(int argc, char **argv)
{
	size_t known = 0;
	size_t moved = 0;
	const long rounds = atol(argv[1]);
	/* AddressSanitizer watches the memory behind these. */
	uint8_t *function = malloc(SEEN);
	uint8_t *code = malloc(CODE_BYTES);
	uint8_t *jump = malloc(jump_bytes());
	for (long round = 0; round < rounds; round++) {
		make_bytes(function, argv + 2, (size_t)argc - 2);
		if (find_work(function) != function)
			moved++;
		const size_t bytes = replaceable_bytes(function);
		if (bytes == 0)
			continue;
		known++;
		if (bytes < jump_bytes() || bytes > SEEN) {
			fprintf(stderr, "%zu bytes would be displaced\n", bytes);
			return 1;
		}
		/* From the nearest to the farthest place, on both sides. */
		const intptr_t distance = (intptr_t)any(JUMP_REACH / 2) * 4 - (intptr_t)JUMP_REACH;
		const uint8_t *place = (const uint8_t *)((intptr_t)function + distance);
		write_detour(code, place, function, watch_nothing);
		write_far_jump(code, place);
		write_jump(jump, place, function);
	}
	printf("%zu %zu\n", known, moved);
	free(function);
	free(code);
	free(jump);
	return 0;
}
