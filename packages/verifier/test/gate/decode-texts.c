/* Decodes texts as the gate does for V8, and prints their characters. decode.test.ts builds this
 * program with AddressSanitizer.
 *
 * Standard input has texts, each behind its length in bytes as four bytes, the lowest first. For
 * each text the program prints a line: `-` if it is no UTF-8, else the hexadecimal code units.
 * Fails if the UTF-8 of the characters is not the text. */
#include "engine.h"
#include "../shared/digest/sha256.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The test links strings.c, which reads strings of V8 by these functions. */
size_t string_length(const void *string)
{
	(void)string;
	abort();
}
void read_units(const void *string, size_t first, size_t count, uint16_t *units)
{
	(void)string, (void)first, (void)count, (void)units;
	abort();
}
bool has_own_characters(const void *string)
{
	(void)string;
	abort();
}
const void *new_narrow_string(const uint8_t *characters, size_t length)
{
	(void)characters, (void)length;
	abort();
}
const void *new_wide_string(const uint16_t *units, size_t length)
{
	(void)units, (void)length;
	abort();
}

static void print(const struct characters *characters)
{
	for (size_t i = 0; i < characters->count; i++)
		printf("%x ",
			characters->is_wide ? ((const uint16_t *)characters->memory)[i]
								: ((const uint8_t *)characters->memory)[i]);
	putchar('\n');
}

static void decode(const uint8_t *bytes, size_t size)
{
	struct characters characters;
	if (!measure_text(bytes, size, &characters)) {
		puts("-");
		return;
	}
	/* AddressSanitizer watches the memory behind these. */
	void *memory = malloc(characters.count * (characters.is_wide ? 2 : 1));
	decode_text(bytes, size, characters.is_wide, memory);
	characters.memory = memory;
	uint8_t expected[SHA256_BYTES];
	uint8_t digest[SHA256_BYTES];
	sha256_bytes(bytes, size, expected);
	if (digest_characters(&characters, digest) != size ||
		memcmp(digest, expected, SHA256_BYTES) != 0)
		exit(EXIT_FAILURE);
	print(&characters);
	free(memory);
}

int main(void)
{
	uint8_t length[4];
	while (fread(length, sizeof length, 1, stdin) == 1) {
		const size_t size = length[0] | length[1] << 8 | length[2] << 16;
		uint8_t *bytes = malloc(size);
		if (fread(bytes, 1, size, stdin) != size)
			return EXIT_FAILURE;
		decode(bytes, size);
		free(bytes);
	}
	return EXIT_SUCCESS;
}
