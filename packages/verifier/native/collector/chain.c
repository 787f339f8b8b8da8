/* The digest that the next line of the file carries: the SHA-256 of all bytes from the last line
 * that has a `chain`, up to the end of the file.
 *
 * Guarantees that each byte which somebody else has appended is in the chain, and is read once
 * while the collector runs. What is read at a time, and the memory for it, are bounded: a program
 * that appends many lines of its own delays nobody for long. */
#define _GNU_SOURCE
#include "collector.h"
#include <string.h>
#include <unistd.h>

/* The most bytes that are searched for a line that has a `chain`. Other collectors wait for the
 * lock longer than it takes to read and digest so many. */
enum { MOST_BYTES = 16 << 20 };
/* The size of a block. If a block begins within a line, the line after it is whole in the block,
 * unless it is too long to have a `chain`. */
enum { BLOCK_BYTES = 2 * MAX_CHAINED_BYTES };

static char block[BLOCK_BYTES];

/* Tells if the bytes are known that the next line covers. */
static enum { NOTHING, BYTES, UNKNOWN } known;
static struct sha256 sum; /* of those bytes */
static bool has_feed; /* a line feed ends the bytes, and is in `sum` only when more follow */

void chain_end(char hex[SHA256_HEX + 1])
{
	struct sha256 copy = sum;
	uint8_t digest[SHA256_BYTES] = {0};
	if (known == BYTES)
		sha256_end(&copy, digest);
	to_hex(digest, hex);
}

void lose_chain(void)
{
	known = UNKNOWN;
}

void extend_chain(const char *bytes, size_t length)
{
	if (known == UNKNOWN || length == 0)
		return;
	if (known == NOTHING) {
		known = BYTES;
		has_feed = false;
		sha256_begin(&sum);
	}
	if (has_feed)
		sha256_add(&sum, "\n", 1);
	has_feed = bytes[length - 1] == '\n';
	sha256_add(&sum, bytes, has_feed ? length - 1 : length);
}

void begin_chain(const char *line, size_t length)
{
	known = NOTHING;
	extend_chain(line, length);
}

bool has_chain(const char *line, size_t length)
{
	static const char AFTER[] = "\"}";
	const size_t before = sizeof CHAIN_MEMBER - 1;
	const size_t all = before + SHA256_HEX + sizeof AFTER - 1;
	if (length < all || length > MAX_CHAINED_BYTES)
		return false;
	const char *end = line + length - all;
	if (memcmp(end, CHAIN_MEMBER, before) != 0 ||
		memcmp(end + before + SHA256_HEX, AFTER, sizeof AFTER - 1) != 0)
		return false;
	for (size_t i = 0; i < SHA256_HEX; i++) {
		const char digit = end[before + i];
		if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f')))
			return false;
	}
	return true;
}

static bool read_block(int reader, size_t length, off_t from)
{
	return pread(reader, block, length, from) == (ssize_t)length;
}

/* The answers of find_line() that are no place. */
enum { NO_LINE = -1, NOT_READ = -2 };

/* Finds the last line between `from` and `to` that has a `chain`. The last line there may lack its
 * line feed. The first counts only if `from` is where a line begins. */
static off_t find_line(int reader, off_t from, off_t to, bool is_line)
{
	bool is_long = false; /* the last line before `to` ends behind `to`, and is too long */
	while (to > from) {
		const size_t length = to - from < BLOCK_BYTES ? (size_t)(to - from) : BLOCK_BYTES;
		const off_t start = to - (off_t)length;
		if (!read_block(reader, length, start))
			return NOT_READ;
		const char *end = block + length; /* of the line that is looked at, with its line feed */
		for (;;) {
			const char *stop = end > block && end[-1] == '\n' && !is_long ? end - 1 : end;
			const char *feed = memrchr(block, '\n', (size_t)(stop - block));
			const char *line = feed == NULL ? block : feed + 1;
			const bool is_whole = feed != NULL || (start == from && is_line);
			if (is_whole && !is_long && has_chain(line, (size_t)(stop - line)))
				return start + (line - block);
			if (feed == NULL)
				break;
			is_long = false;
			end = line;
		}
		if (start == from)
			return NO_LINE;
		/* This block began within a line. The next block ends where that line ends. */
		is_long = end == block + length;
		to = is_long ? start : start + (end - block);
	}
	return NO_LINE;
}

static bool extend_from(int reader, off_t from, off_t to)
{
	while (from < to) {
		const size_t length = to - from < BLOCK_BYTES ? (size_t)(to - from) : BLOCK_BYTES;
		if (!read_block(reader, length, from))
			return false;
		extend_chain(block, length);
		from += (off_t)length;
	}
	return true;
}

enum reading read_chain(int reader, off_t from, off_t to, bool is_line)
{
	const bool is_far = to - from > MOST_BYTES;
	const off_t first = is_far ? to - MOST_BYTES : from;
	const off_t line = find_line(reader, first, to, is_line && !is_far);
	if (line == NOT_READ)
		return UNREADABLE;
	if (line == NO_LINE && is_far)
		return TOO_FAR;
	if (line != NO_LINE)
		known = NOTHING;
	if (!extend_from(reader, line == NO_LINE ? from : line, to))
		return UNREADABLE;
	return line == NO_LINE ? READ_ON : READ;
}
