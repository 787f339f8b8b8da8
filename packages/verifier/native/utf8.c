#include "utf8.h"
#include <stdint.h>
#include <string.h>

enum { RUN_BYTES = 64 };

bool has_high_bit(const unsigned char *bytes, size_t size)
{
	uint64_t seen = 0, word;
	for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
		memcpy(&word, bytes, sizeof word);
		seen |= word;
	}
	while (size > 0)
		seen |= bytes[--size];
	return (seen & 0x8080808080808080) != 0;
}

size_t utf8_length(const unsigned char *at, size_t left)
{
	size_t length = at[0] < 0x80   ? 1
					: at[0] < 0xc2 ? 0
					: at[0] < 0xe0 ? 2
					: at[0] < 0xf0 ? 3
					: at[0] < 0xf5 ? 4
								   : 0;
	if (length < 2 || length > left)
		return length == 1 ? 1 : 0;
	unsigned char least = at[0] == 0xe0   ? 0xa0
						  : at[0] == 0xf0 ? 0x90
										  : 0x80,
				  most = at[0] == 0xed   ? 0x9f
						 : at[0] == 0xf4 ? 0x8f
										 : 0xbf;
	if (at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool is_utf8(const unsigned char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t run = size - at < RUN_BYTES ? size - at : RUN_BYTES;
		if (!has_high_bit(bytes + at, run)) {
			at += run;
			continue;
		}
		size_t end = at + run;
		while (at < end) {
			size_t length = utf8_length(bytes + at, size - at);
			if (length == 0)
				return false;
			at += length;
		}
	}
	return true;
}
