/* Loads the copies of closure.h.
 *
 * The loader knows a copy by a path in /proc. When a copy is linked to another library, the loader
 * takes the loaded one that has the name: by its DT_SONAME, or by the name in its link_map. There a
 * copy gets the path of its file, by which dladdr(3) and debuggers find it. But a copy without
 * DT_SONAME that another is linked to gets the last name of that path. */
#define _GNU_SOURCE
#include "../shared/elf/elf-object.h"
#include "../shared/files/owned-file.h"
#include "bind.h"
#include "closure.h"
#include "look-up.h"
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOADER_NAME = 128 };

/* With RTLD_DEEPBIND a signed library would call libc's dlopen(3) in place of the gate's, and load
 * what nobody judged. glibc knows further bits, for its own use. */
enum { ACCEPTED_MODE = RTLD_LAZY | RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL | RTLD_NODELETE };

/* A library that was loaded, by the name with which the loader was called. It is never unloaded, so
 * that name means nothing else. */
struct loaded {
	struct loaded *next;
	uint8_t digest[SHA256_BYTES];
	char name[LOADER_NAME];
};
static struct loaded *all_loaded;

plain_dlopen_type *plain_dlopen(void)
{
	return (plain_dlopen_type *)real_dlsym()(RTLD_NEXT, "dlopen");
}

void *real_dlopen(const char *file, int mode)
{
	return plain_dlopen()(file, mode & ACCEPTED_MODE);
}

/* The path cannot exist, because no process has a descriptor of this number. */
void *fail_to_load(const char *objection)
{
	char path[2 * PATH_MAX + 128];
	snprintf(path, sizeof path, "/proc/self/fd/2147483647/sigtool refuses: %s", objection);
	return real_dlopen(path, RTLD_LAZY);
}

bool is_loaded(const char *path)
{
	void *handle = real_dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	return handle != NULL && dlclose(handle) == 0;
}

static bool is_below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

bool is_of_system(const char *real)
{
	/* launch/library-places.c lists these too. */
	static const char *const DIRECTORIES[] = {
		"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"};
	const char *why;
	bool is_there = false;
	for (size_t i = 0; i < sizeof DIRECTORIES / sizeof *DIRECTORIES; i++)
		is_there = is_there || is_below(real, DIRECTORIES[i]);
	const int file = is_there ? open_owned(real, 0, &why) : -1;
	if (file < 0)
		return false;
	close(file);
	return true;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* Returns the DT_SONAME of a copy, or NULL. */
static const char *own_name(const struct library *library)
{
	struct elf_object elf;
	uint64_t at = 0;
	uint64_t value;
	if (!read_copy(library, &elf) || !find_next(&elf, DT_SONAME, &at, &value))
		return NULL;
	return string_at(&elf, value);
}

/* Returns the first copy that has a name by which another is linked to it, or NULL. The search puts
 * copies for some processors behind the one for all. */
static struct library *copy_named(struct closure *closure, const char *name)
{
	for (size_t i = 0; i < closure->count; i++) {
		struct library *library = &closure->libraries[i];
		const char *own = own_name(library);
		if (own == NULL)
			own = strchr(name, '/') != NULL ? library->path : last_name(library->path);
		if (strcmp(own, name) == 0)
			return library;
	}
	return NULL;
}

/* Writes the path by which the loader opens a copy. The kernel uses the numbers of threads and of
 * descriptors again, and the loader takes a name that it knows for what it has loaded. So each path
 * spells a number of its own by steps that lead nowhere. */
static void name_copy(char name[LOADER_NAME], const struct library *library, int thread)
{
	enum { BITS = 32, STEP_BYTES = 2 };
	static unsigned number;
	char steps[BITS * STEP_BYTES + 1] = "";
	for (unsigned bit = 0; bit < BITS; bit++)
		strcat(steps, (number >> bit & 1) != 0 ? "/." : "//");
	number++;
	snprintf(name, LOADER_NAME, "/proc/self/task/%d/fd%s/%d", thread, steps, library->descriptor);
}

/* The memory of the name belongs to the loader from now on, which never frees it. */
static void rename_loaded(void *handle, const char *name)
{
	struct link_map *map;
	char *copy = strdup(name);
	if (copy != NULL && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
		map->l_name = copy;
}

/* Loads a copy, or takes the library with the same content, which is loaded already: native code
 * has state that all threads share. */
static void *load_copy(struct closure *closure, const struct library *library, int mode)
{
	for (const struct loaded *each = all_loaded; each != NULL; each = each->next) {
		if (memcmp(each->digest, library->digest, SHA256_BYTES) == 0)
			return real_dlopen(each->name, mode | RTLD_NOLOAD);
	}
	if (!is_safe(closure, library)) {
		closure->is_lost = true;
		return fail_to_load("the program has made threads");
	}
	struct loaded *loaded = malloc(sizeof *loaded);
	if (loaded == NULL)
		return fail_to_load("there is no memory for it");
	name_copy(loaded->name, library, closure->thread);
	memcpy(loaded->digest, library->digest, SHA256_BYTES);
	void *handle = real_dlopen(loaded->name, mode | RTLD_NODELETE);
	if (handle == NULL) {
		free(loaded);
		return NULL;
	}
	loaded->next = all_loaded;
	all_loaded = loaded;
	bind_references(handle);
	rename_loaded(handle, library->path);
	return handle;
}

/* Loads a library that has no copy, because it is the system's, or takes the loaded one. For a name
 * without a slash the loader looks in the system's directories alone, because this file has no
 * search path of its own. */
static bool load_of_system(const char *name)
{
	char real[PATH_MAX];
	if (strchr(name, '/') != NULL && (realpath(name, real) == NULL || !is_of_system(real)))
		return fail_to_load("it is linked to a library by a path") != NULL;
	return real_dlopen(name, RTLD_LAZY) != NULL;
}

static bool load_needed(struct closure *closure, struct library *library);

static bool load_linked(struct closure *closure, struct library *library)
{
	if (library->is_settled)
		return true;
	if (!load_needed(closure, library))
		return false;
	void *handle = load_copy(closure, library, RTLD_LAZY);
	if (handle != NULL && own_name(library) == NULL)
		rename_loaded(handle, last_name(library->path));
	return handle != NULL;
}

/* Loads what a copy is linked to, each library after those that it needs itself. */
static bool load_needed(struct closure *closure, struct library *library)
{
	struct elf_object elf;
	uint64_t at = 0;
	uint64_t value;
	library->is_settled = true;
	if (!read_copy(library, &elf))
		return true;
	while (find_next(&elf, DT_NEEDED, &at, &value)) {
		const char *name = string_at(&elf, value);
		if (name == NULL)
			continue;
		struct library *needed = copy_named(closure, name);
		/* load_of_system() takes a loaded library by its name, too. The loader searches the file
		 * system each time that it is asked for one that is not loaded. */
		const bool asks_first = needed != NULL || strchr(name, '/') != NULL;
		if (asks_first && real_dlopen(name, RTLD_LAZY | RTLD_NOLOAD) != NULL)
			continue;
		const bool is_there = needed == NULL ? load_of_system(name) : load_linked(closure, needed);
		if (!is_there)
			return false;
	}
	return true;
}

void *load_closure(struct closure *closure, int mode)
{
	struct library *first = &closure->libraries[0];
	if (!load_needed(closure, first))
		return NULL;
	return load_copy(closure, first, mode);
}
