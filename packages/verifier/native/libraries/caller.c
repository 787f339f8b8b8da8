/* Looks for a library where its caller says. The loader does so only for who calls dlopen(3)
 * itself, and that is the gate. */
#define _GNU_SOURCE
#include "../shared/elf/elf-object.h"
#include "closure.h"
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Looks in one directory. `origin` replaces `$ORIGIN`. */
static bool is_in(
	const char *directory, size_t length, const char *origin, const char *name, char path[PATH_MAX])
{
	const size_t skipped = origin_length(directory);
	if (length == 0 || skipped > length)
		return false;
	const int written = snprintf(path, PATH_MAX, "%s%.*s/%s", skipped > 0 ? origin : "",
		(int)(length - skipped), directory + skipped, name);
	return written < PATH_MAX && access(path, F_OK) == 0;
}

static bool is_in_any(
	const char *directories, const char *origin, const char *name, char path[PATH_MAX])
{
	for (;;) {
		const size_t length = strcspn(directories, ":");
		if (is_in(directories, length, origin, name, path))
			return true;
		if (directories[length] == '\0')
			return false;
		directories += length + 1;
	}
}

/* Returns the address or offset of the first entry with this tag, or 0. */
static uintptr_t entry_of(const struct link_map *map, int64_t tag)
{
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == tag)
			return entry->d_un.d_ptr;
	}
	return 0;
}

bool find_for_caller(const char *name, const void *caller, char path[PATH_MAX])
{
	static const int64_t TAGS[] = {DT_RPATH, DT_RUNPATH};
	Dl_info info;
	struct link_map *map;
	char origin[PATH_MAX];
	if (dladdr1(caller, &info, (void **)&map, RTLD_DL_LINKMAP) == 0)
		return false;
	const char *slash = strrchr(map->l_name, '/');
	const char *strings = (const char *)entry_of(map, DT_STRTAB);
	if (slash == NULL || strings == NULL)
		return false;
	snprintf(origin, sizeof origin, "%.*s", (int)(slash - map->l_name), map->l_name);
	for (size_t i = 0; i < sizeof TAGS / sizeof *TAGS; i++) {
		const uintptr_t directories = entry_of(map, TAGS[i]);
		if (directories != 0 && is_in_any(strings + directories, origin, name, path))
			return true;
	}
	return false;
}
