/* Keeps a hash table with open addressing. A slot has the number of a record plus 1, or 0 if it is
 * free. Each content is there once, however many files have it.
 *
 * Guarantees that a search ends, because at least half of the slots are free. Also guarantees that
 * a lack of memory changes no result: without the table each record is compared. */
#define _GNU_SOURCE
#include "contents.h"
#include <string.h>
#include <sys/mman.h>

static bool is_file_with(const uint8_t *record, const uint8_t *digest)
{
	return read_u16(record + KIND_AT) == FILE_KIND &&
		memcmp(record + DIGEST_AT, digest, SHA256_BYTES) == 0;
}

/* Returns the slot with this content, or the free slot for it. The bits of a digest are as good as
 * random, so some of them serve as the hash. */
static uint32_t *slot_of(const struct contents *contents, const uint8_t *digest)
{
	uint32_t at = read_u32(digest) & contents->mask;
	for (;;) {
		uint32_t *slot = &contents->slots[at];
		if (*slot == 0 || is_file_with(record_at(contents->table, *slot - 1), digest))
			return slot;
		at = (at + 1) & contents->mask;
	}
}

struct contents list_contents(const struct index_table *table, uint32_t count)
{
	struct contents contents = {.table = table, .count = count};
	uint32_t slot_count = 2;
	while (slot_count < 2 * count)
		slot_count *= 2;
	const size_t size = slot_count * sizeof *contents.slots;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED)
		return contents;
	contents.slots = memory;
	contents.mask = slot_count - 1;
	for (uint32_t number = 0; number < count; number++) {
		const uint8_t *record = record_at(contents.table, number);
		if (read_u16(record + KIND_AT) != FILE_KIND)
			continue;
		uint32_t *slot = slot_of(&contents, record + DIGEST_AT);
		if (*slot == 0)
			*slot = number + 1;
	}
	if (mprotect(memory, size, PROT_READ) != 0) {
		munmap(memory, size);
		contents.slots = NULL;
	}
	return contents;
}

int64_t record_of_content(
	const struct contents *contents, const uint8_t digest[SHA256_BYTES], counts *counts)
{
	uint32_t first = 0;
	if (contents->slots != NULL) {
		const uint32_t slot = *slot_of(contents, digest);
		if (slot == 0)
			return -1;
		first = slot - 1; /* the table has the first of several records */
	}
	for (uint32_t number = first; number < contents->count; number++) {
		if (is_file_with(record_at(contents->table, number), digest) &&
			(counts == NULL || counts(number)))
			return number;
	}
	return -1;
}
