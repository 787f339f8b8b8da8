#define _GNU_SOURCE
#include "engine.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

struct extent extent_of(const void *function)
{
	Dl_info info;
	const ElfW(Sym) *symbol = NULL;
	const uintptr_t first = (uintptr_t)function;
	if (function == NULL || dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 ||
		symbol == NULL)
		return (struct extent){0};
	return (struct extent){first, first + symbol->st_size};
}

bool is_from(struct extent function, const void *caller)
{
	return (uintptr_t)caller > function.first && (uintptr_t)caller <= function.end;
}
