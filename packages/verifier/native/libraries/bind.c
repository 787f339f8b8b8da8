/* Binds what a loaded library calls dlopen(3) and dlmopen(3) to those of this program.
 *
 * Usually the loader does that by itself, because this program's functions come first in its
 * search. But a library can name a version of a symbol that only libc has. Its constructors have
 * run before. */
#define _GNU_SOURCE
#include "bind.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __x86_64__
enum { SLOT = R_X86_64_JUMP_SLOT, ADDRESS = R_X86_64_GLOB_DAT, WORD = R_X86_64_64 };
#else
enum { SLOT = R_AARCH64_JUMP_SLOT, ADDRESS = R_AARCH64_GLOB_DAT, WORD = R_AARCH64_ABS64 };
#endif

static uintptr_t value_of(const struct link_map *map, int64_t tag)
{
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == tag)
			return entry->d_un.d_ptr;
	}
	return 0;
}

/* Returns the function that takes the place of the one with this name, or 0. */
static uintptr_t own_function(const char *name)
{
	if (strcmp(name, "dlopen") == 0)
		return (uintptr_t)dlopen;
	return strcmp(name, "dlmopen") == 0 ? (uintptr_t)dlmopen : 0;
}

struct search {
	uintptr_t base; /* of the library */
	uintptr_t place;
	bool is_read_only;
};

static int find_permission(struct dl_phdr_info *object, size_t size, void *argument)
{
	struct search *search = argument;
	(void)size;
	if (object->dlpi_addr != search->base)
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const bool is_inside = search->place - (search->base + segment->p_vaddr) < segment->p_memsz;
		const bool is_constant = segment->p_type == PT_GNU_RELRO ||
			(segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0);
		search->is_read_only = search->is_read_only || (is_inside && is_constant);
	}
	return 1;
}

static void write_word(const struct link_map *map, uintptr_t place, uintptr_t value)
{
	uintptr_t *word = (uintptr_t *)place;
	struct search search = {map->l_addr, place, false};
	if (*word == value)
		return;
	dl_iterate_phdr(find_permission, &search);
	const uintptr_t page = (uintptr_t)getpagesize();
	void *first = (void *)(place & ~(page - 1));
	if (search.is_read_only && mprotect(first, page, PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	if (search.is_read_only)
		mprotect(first, page, PROT_READ);
}

static void bind_table(const struct link_map *map, int64_t table, int64_t size)
{
	const ElfW(Rela) *all = (const ElfW(Rela) *)value_of(map, table);
	const ElfW(Sym) *symbols = (const ElfW(Sym) *)value_of(map, DT_SYMTAB);
	const char *strings = (const char *)value_of(map, DT_STRTAB);
	const size_t count = all == NULL ? 0 : value_of(map, size) / sizeof *all;
	for (size_t i = 0; i < count; i++) {
		const ElfW(Sym) *symbol = &symbols[ELF64_R_SYM(all[i].r_info)];
		const unsigned type = ELF64_R_TYPE(all[i].r_info);
		const bool is_address = type == SLOT || type == ADDRESS || type == WORD;
		if (!is_address || symbol->st_shndx != SHN_UNDEF)
			continue;
		const uintptr_t function = own_function(strings + symbol->st_name);
		if (function != 0)
			write_word(map, map->l_addr + all[i].r_offset,
				function + (type == WORD ? (uintptr_t)all[i].r_addend : 0));
	}
}

void bind_references(void *handle)
{
	const struct link_map *map;
	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
		return;
	bind_table(map, DT_JMPREL, DT_PLTRELSZ);
	bind_table(map, DT_RELA, DT_RELASZ);
}
