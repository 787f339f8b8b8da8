/* Reads JavaScript strings as UTF-8, and digests them without a copy of the whole. */
#include "../shared/digest/sha256.h"
#include "arena.h"
#include "engine.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK_UNITS = 2048, MOST_BYTES_OF_UNIT = 3 };

/* Reads a string, or characters in memory, in chunks. */
struct reader {
	const void *string; /* or NULL */
	struct characters characters;
	size_t next; /* in UTF-16 code units, as `count` */
	size_t count;
	uint16_t high; /* a surrogate that waits for its partner in the next chunk, or 0 */
	size_t length; /* of `bytes` */
	uint8_t bytes[(CHUNK_UNITS + 1) * MOST_BYTES_OF_UNIT];
};

static void begin_reading(struct reader *reader, const void *string)
{
	reader->string = string;
	reader->next = 0;
	reader->count = string_length(string);
	reader->high = 0;
}

static void begin_reading_characters(struct reader *reader, const struct characters *characters)
{
	reader->string = NULL;
	reader->characters = *characters;
	reader->next = 0;
	reader->count = characters->count;
	reader->high = 0;
}

static void copy_units(const struct reader *reader, size_t count, uint16_t units[CHUNK_UNITS])
{
	const struct characters *from = &reader->characters;
	if (reader->string != NULL) {
		read_units(reader->string, reader->next, count, units);
	} else if (from->is_wide) {
		memcpy(units, (const uint16_t *)from->memory + reader->next, count * sizeof *units);
	} else {
		const uint8_t *narrow = (const uint8_t *)from->memory + reader->next;
		for (size_t i = 0; i < count; i++)
			units[i] = narrow[i];
	}
}

/* Copies a chunk, and returns true if all of it is ASCII. The number of rounds is a constant, so
 * that the compiler uses vector instructions. */
static bool copy_ascii(const uint16_t units[CHUNK_UNITS], uint8_t bytes[CHUNK_UNITS])
{
	uint16_t all = 0;
	for (size_t i = 0; i < CHUNK_UNITS; i++) {
		all |= units[i];
		bytes[i] = (uint8_t)units[i];
	}
	return all < 0x80;
}

/* Adds a code point in UTF-8. A surrogate has three bytes, as its number says. */
static void add_point(struct reader *reader, uint32_t point)
{
	uint8_t *bytes = reader->bytes + reader->length;
	if (point < 0x80) {
		bytes[0] = (uint8_t)point;
		reader->length += 1;
	} else if (point < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | point >> 6);
		bytes[1] = (uint8_t)(0x80 | (point & 0x3f));
		reader->length += 2;
	} else if (point < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | point >> 12);
		bytes[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (point & 0x3f));
		reader->length += 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | point >> 18);
		bytes[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		bytes[3] = (uint8_t)(0x80 | (point & 0x3f));
		reader->length += 4;
	}
}

static void add_unit(struct reader *reader, uint16_t unit)
{
	const bool is_high = (unit & 0xfc00) == 0xd800;
	const bool is_low = (unit & 0xfc00) == 0xdc00;
	const uint32_t high = reader->high;
	reader->high = 0;
	if (high != 0 && is_low) {
		add_point(reader, 0x10000 + ((high & 0x3ff) << 10 | (unit & 0x3ff)));
		return;
	}
	if (high != 0)
		add_point(reader, high);
	if (is_high)
		reader->high = unit;
	else
		add_point(reader, unit);
}

/* Reads the next chunk into `bytes`. Returns false at the end of the string. */
static bool read_chunk(struct reader *reader)
{
	uint16_t units[CHUNK_UNITS];
	const size_t rest = reader->count - reader->next;
	const size_t count = rest < CHUNK_UNITS ? rest : CHUNK_UNITS;
	reader->length = 0;
	if (count == 0 && reader->high == 0)
		return false;
	copy_units(reader, count, units);
	memset(units + count, 0, (CHUNK_UNITS - count) * sizeof *units);
	reader->next += count;
	if (reader->high == 0 && copy_ascii(units, reader->bytes)) {
		reader->length = count;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		add_unit(reader, units[i]);
	const bool is_last = reader->next == reader->count;
	if (is_last && reader->high != 0) {
		add_point(reader, reader->high);
		reader->high = 0;
	}
	return true;
}

static size_t digest_all(struct reader *reader, uint8_t digest[SHA256_BYTES])
{
	struct sha256 sum;
	sha256_begin(&sum);
	while (read_chunk(reader))
		sha256_add(&sum, reader->bytes, reader->length);
	sha256_end(&sum, digest);
	return sum.total;
}

size_t digest_text(const void *string, uint8_t digest[SHA256_BYTES])
{
	struct reader reader;
	begin_reading(&reader, string);
	return digest_all(&reader, digest);
}

size_t digest_characters(const struct characters *characters, uint8_t digest[SHA256_BYTES])
{
	struct reader reader;
	begin_reading_characters(&reader, characters);
	return digest_all(&reader, digest);
}

/* No buffer ever had this memory, so no late write of Node.js changes a copy. */
static struct arena copies = {.unit = 64, .is_accessible = true};

bool open_copies(void)
{
	const size_t most = (size_t)1 << 34; /* a string has less than 2 GiB in UTF-8 */
	return open_arena(&copies, most, 0);
}

bool copy_text(const void *string, struct text *text)
{
	struct reader reader;
	bool is_zero;
	begin_reading(&reader, string);
	text->length = 0;
	text->bytes = take_block(&copies, reader.count * MOST_BYTES_OF_UNIT + 1, &is_zero);
	if (text->bytes == NULL)
		return false;
	while (read_chunk(&reader)) {
		memcpy(text->bytes + text->length, reader.bytes, reader.length);
		text->length += reader.length;
	}
	text->bytes[text->length] = '\0';
	return true;
}

void free_copy(char *bytes)
{
	if (bytes != NULL)
		give_block(&copies, bytes);
}

/* Copies the Latin-1 text of a string. Returns NULL if it has other characters, or memory is
 * lacking. */
static uint8_t *copy_narrow(const void *string, size_t length)
{
	uint8_t *characters = malloc(length + 1);
	uint16_t all = 0;
	for (size_t next = 0; characters != NULL && next < length && all <= UINT8_MAX;) {
		uint16_t units[CHUNK_UNITS];
		const size_t count = length - next < CHUNK_UNITS ? length - next : CHUNK_UNITS;
		read_units(string, next, count, units);
		for (size_t i = 0; i < count; i++) {
			all |= units[i];
			characters[next + i] = (uint8_t)units[i];
		}
		next += count;
	}
	if (all <= UINT8_MAX)
		return characters;
	free(characters);
	return NULL;
}

/* A text that is the name of a member has one string in V8, the internalized one. When V8 uses
 * another string with this text as a name, that string becomes a link to the internalized one,
 * whose characters may be elsewhere. An internalized string itself never becomes a link, so the
 * text is copied into one. */
const void *keep_text(const void *string)
{
	const size_t length = string_length(string);
	uint8_t *characters = copy_narrow(string, length);
	uint16_t *units = characters == NULL ? malloc(length * sizeof *units + 1) : NULL;
	const void *kept = NULL;
	if (characters != NULL) {
		kept = new_narrow_string(characters, length);
	} else if (units != NULL) {
		read_units(string, 0, length, units);
		kept = new_wide_string(units, length);
	}
	free(characters);
	free(units);
	return kept;
}
