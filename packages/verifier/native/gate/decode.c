/* Makes the characters of V8 from UTF-8. Most text is ASCII, even where a file has a few other
 * characters, so runs of ASCII are copied. */
#include "../shared/text/utf8.h"
#include "engine.h"
#include <string.h>

/* Copies whole blocks. The number of rounds in a block is a constant, so that the compiler uses
 * vector instructions. */
enum { BLOCK_BYTES = 16 };

static bool is_ascii_block(const uint8_t *bytes)
{
	uint64_t halves[2];
	memcpy(halves, bytes, sizeof halves);
	return ((halves[0] | halves[1]) & 0x8080808080808080) == 0;
}

/* Returns the length of the ASCII at the beginning, in bytes. */
static size_t ascii_length(const uint8_t *bytes, size_t size)
{
	size_t length = 0;
	while (length + BLOCK_BYTES <= size && is_ascii_block(bytes + length))
		length += BLOCK_BYTES;
	while (length < size && bytes[length] < 0x80)
		length++;
	return length;
}

static void widen(const uint8_t *bytes, size_t size, uint16_t *units)
{
	size_t done = 0;
	for (; done + BLOCK_BYTES <= size; done += BLOCK_BYTES) {
		for (size_t i = 0; i < BLOCK_BYTES; i++)
			units[done + i] = bytes[done + i];
	}
	for (; done < size; done++)
		units[done] = bytes[done];
}

/* Returns the code point at `*next`, and moves it behind. The text must be well-formed. */
static uint32_t next_point(const uint8_t **next)
{
	const uint8_t *at = *next;
	const size_t length = utf8_length(at, SIZE_MAX);
	uint32_t point = length == 1 ? at[0] : at[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++)
		point = point << 6 | (at[i] & 0x3f);
	*next = at + length;
	return point;
}

bool measure_text(const uint8_t *bytes, size_t size, struct characters *characters)
{
	const uint8_t *end = bytes + size;
	characters->count = 0;
	characters->is_wide = false;
	if (!is_utf8(bytes, size))
		return false;
	for (const uint8_t *next = bytes; next < end;) {
		const size_t ascii = ascii_length(next, (size_t)(end - next));
		characters->count += ascii;
		next += ascii;
		if (next == end)
			break;
		const uint32_t point = next_point(&next);
		characters->count += point > UINT16_MAX ? 2 : 1;
		characters->is_wide = characters->is_wide || point > UINT8_MAX;
	}
	return true;
}

static void decode_narrow(const uint8_t *next, const uint8_t *end, uint8_t *characters)
{
	while (next < end) {
		const size_t ascii = ascii_length(next, (size_t)(end - next));
		memcpy(characters, next, ascii);
		characters += ascii;
		next += ascii;
		if (next < end)
			*characters++ = (uint8_t)next_point(&next);
	}
}

static size_t add_units(uint16_t *units, uint32_t point)
{
	if (point <= UINT16_MAX) {
		units[0] = (uint16_t)point;
		return 1;
	}
	units[0] = (uint16_t)(0xd800 | (point - 0x10000) >> 10);
	units[1] = (uint16_t)(0xdc00 | (point & 0x3ff));
	return 2;
}

static void decode_wide(const uint8_t *next, const uint8_t *end, uint16_t *units)
{
	while (next < end) {
		const size_t ascii = ascii_length(next, (size_t)(end - next));
		widen(next, ascii, units);
		units += ascii;
		next += ascii;
		if (next < end)
			units += add_units(units, next_point(&next));
	}
}

void decode_text(const uint8_t *bytes, size_t size, bool is_wide, void *memory)
{
	if (is_wide)
		decode_wide(bytes, bytes + size, memory);
	else
		decode_narrow(bytes, bytes + size, memory);
}
