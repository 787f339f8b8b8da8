/* Guarantees that only well-formed UTF-8 (RFC 3629) is accepted. Every module that is loaded is
 * checked, so runs of ASCII are checked at once, which is faster. */
#include "utf8.h"
#include <stdint.h>
#include <string.h>

/* A run of this size is checked at once for ASCII, because most source text is ASCII alone. */
enum { RUN_BYTES = 64 };

bool has_high_bit(const unsigned char *bytes, size_t size)
{
	uint64_t seen = 0;
	while (size >= sizeof seen) {
		uint64_t word;
		memcpy(&word, bytes, sizeof word);
		seen |= word;
		bytes += sizeof word;
		size -= sizeof word;
	}
	for (size_t i = 0; i < size; i++)
		seen |= bytes[i];
	return (seen & 0x8080808080808080) != 0;
}

/* Returns the length of the character that this byte begins, or 0 if it begins none. */
static size_t length_by_first_byte(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2) /* it continues a character, or begins an overlong form of ASCII */
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	if (first < 0xf5)
		return 4;
	return 0; /* it would be above U+10FFFF */
}

/* Returns true if `second` may follow `first`, which begins a character of more than one byte. */
static bool may_be_second_byte(unsigned char first, unsigned char second)
{
	unsigned char least = 0x80;
	unsigned char most = 0xbf;
	if (first == 0xe0)
		least = 0xa0; /* less would be an overlong form of two bytes */
	else if (first == 0xed)
		most = 0x9f; /* more would be a surrogate */
	else if (first == 0xf0)
		least = 0x90; /* less would be an overlong form of three bytes */
	else if (first == 0xf4)
		most = 0x8f; /* more would be above U+10FFFF */
	return second >= least && second <= most;
}

size_t utf8_length(const unsigned char *at, size_t left)
{
	const size_t length = length_by_first_byte(at[0]);
	if (length < 2)
		return length;
	if (length > left || !may_be_second_byte(at[0], at[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

bool is_utf8(const unsigned char *bytes, size_t size)
{
	size_t at = 0;
	while (at < size) {
		const size_t left = size - at;
		const size_t run = left < RUN_BYTES ? left : RUN_BYTES;
		const size_t end = at + run;
		if (!has_high_bit(bytes + at, run)) {
			at = end;
			continue;
		}
		/* The last character of the run may end after the run. */
		while (at < end) {
			const size_t length = utf8_length(bytes + at, size - at);
			if (length == 0)
				return false;
			at += length;
		}
	}
	return true;
}
