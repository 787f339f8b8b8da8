#define _GNU_SOURCE
#include "decisions.h"
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 18, ALIGNMENT = 16, SYS_MSEAL = 462 };

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
};

static DECIDES struct chunk *chunks;
static DECIDES bool are_sealed;

/* The pages of the variables. */
static DECIDES struct range {
	uint8_t *first;
	size_t size;
} own;

/* Finds the pages that the loader made read-only, as the loader rounds them. */
static int find_own(struct dl_phdr_info *object, size_t size, void *found)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const uintptr_t first = object->dlpi_addr + segment->p_vaddr;
		if (segment->p_type != PT_GNU_RELRO || (uintptr_t)&own - first >= segment->p_memsz)
			continue;
		const uintptr_t from = first & ~(page - 1);
		const uintptr_t end = (first + segment->p_memsz) & ~(page - 1);
		*(struct range *)found = (struct range){(uint8_t *)from, end - from};
		return 1;
	}
	return 0;
}

bool open_decisions(void)
{
	struct range found = {0};
	if (dl_iterate_phdr(find_own, &found) == 0 ||
		mprotect(found.first, found.size, PROT_READ | PROT_WRITE) != 0)
		return false;
	own = found;
	return true;
}

bool seal_pages(void *pages, size_t size)
{
	if (mprotect(pages, size, PROT_READ) != 0)
		return false;
	/* An older kernel does not know the call. */
	const size_t page = (size_t)getpagesize();
	(void)syscall(SYS_MSEAL, pages, (size + page - 1) / page * page, 0UL);
	return true;
}

bool seal_decisions(void)
{
	are_sealed = true;
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
		if (!seal_pages(chunk, chunk->size))
			return false;
	}
	return seal_pages(own.first, own.size);
}

void *keep_pages(size_t size)
{
	void *memory = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void *keep_memory(size_t size)
{
	const size_t needed = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	const size_t head = (sizeof(struct chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (are_sealed)
		return calloc(1, size);
	if (chunks == NULL || chunks->size - chunks->used < needed) {
		const size_t whole = head + needed > CHUNK_BYTES ? head + needed : CHUNK_BYTES;
		struct chunk *chunk = keep_pages(whole);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct chunk){chunks, whole, head};
		chunks = chunk;
	}
	void *memory = (uint8_t *)chunks + chunks->used;
	chunks->used += needed;
	return memory;
}

char *keep_string(const char *text, size_t length)
{
	char *copy = keep_memory(length + 1);
	if (copy != NULL)
		memcpy(copy, text, length);
	return copy;
}
