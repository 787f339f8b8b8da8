/* Guarantees that the search misses no library that the loader could choose in a directory which an
 * object names. An object inherits the DT_RPATH of others, and the loader's choice depends on facts
 * that are unknown here. So every library is looked for in all directories that any object before
 * it names.
 *
 * The loader may be that of musl, or of any release of glibc. A library in a subdirectory that only
 * some releases search, or only on some processors, counts as well. */
#define _GNU_SOURCE
#include "linked-libraries.h"
#include "elf-object.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PATHS = 256 };

/* A list of paths of existing directories or files. The list owns the texts. */
struct paths {
	size_t count;
	struct path {
		char *text;
		bool is_beside; /* the argument `is_beside` of take_library */
	} all[MAX_PATHS];
};

/* Holds the state of one search. `directories` are those in which the loader may search. `files`
 * are the first object and the libraries. Each of these files is read in turn. */
struct search {
	const struct library_search *how;
	struct paths directories;
	struct paths files;
};

/* Adds a copy of `path` if the path exists and is not in the list yet. Returns false if the list is
 * full or memory is lacking. */
static bool add_path(struct paths *paths, const char *path, bool is_beside)
{
	if (access(path, F_OK) != 0)
		return true;
	for (size_t i = 0; i < paths->count; i++) {
		if (strcmp(paths->all[i].text, path) == 0)
			return true;
	}
	if (paths->count == MAX_PATHS)
		return false;
	char *copy = strdup(path);
	if (copy == NULL)
		return false;
	paths->all[paths->count] = (struct path){copy, is_beside};
	paths->count++;
	return true;
}

static void free_paths(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->all[i].text);
}

/* Adds a path: the `length` bytes at `name`, with `$ORIGIN` replaced as the loader does, followed
 * by `below`. `origin` replaces `$ORIGIN`. It is the directory in the path by which the object is
 * loaded. Returns false if there is no room, and for any other `$`, because only the loader knows
 * how that is replaced. */
static bool add_named(
	struct paths *paths, const char *name, size_t length, const char *origin, const char *below)
{
	const size_t skipped = origin_length(name);
	if (skipped > length || memchr(name + skipped, '$', length - skipped) != NULL)
		return false;
	const bool has_origin = skipped > 0;
	const bool is_beside = has_origin || *name != '/';
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s%.*s%s", has_origin ? origin : "", (int)(length - skipped),
		name + skipped, below);
	return add_path(paths, path, is_beside);
}

/* Adds what is below a directory and has one of these names, and what is below that. In releases
 * before 2.37, glibc searches such subdirectories, one below the other in many orders (AT_PLATFORM
 * and AT_HWCAP of getauxval(3)). */
static bool add_legacy(struct paths *directories, const char *above, bool is_beside, int levels)
{
	static const char *const NAMES[] = {
		"tls", "x86_64", "haswell", "xeon_phi", "avx512_1", "aarch64", "atomics"};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES && levels > 0; i++) {
		char path[PATH_MAX];
		const int length = snprintf(path, sizeof path, "%s/%s", above, NAMES[i]);
		if (length >= PATH_MAX || access(path, F_OK) != 0)
			continue;
		if (!add_path(directories, path, is_beside) ||
			!add_legacy(directories, path, is_beside, levels - 1))
			return false;
	}
	return true;
}

/* Adds a directory of the search path, and after it the subdirectories that glibc searches first.
 * So a caller that takes the first of several libraries takes one for all processors. An empty name
 * means the current directory. */
static bool add_directory(
	struct paths *directories, const char *name, size_t length, const char *origin)
{
	static const char *const BELOW[] = {
		"",
		"/glibc-hwcaps/x86-64-v2",
		"/glibc-hwcaps/x86-64-v3",
		"/glibc-hwcaps/x86-64-v4",
	};
	enum { LEGACY_LEVELS = 4 };
	if (length == 0) {
		name = ".";
		length = 1;
	}
	for (size_t i = 0; i < sizeof BELOW / sizeof *BELOW; i++) {
		if (!add_named(directories, name, length, origin, BELOW[i]))
			return false;
	}
	const size_t skipped = origin_length(name);
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s%.*s", skipped > 0 ? origin : "", (int)(length - skipped),
		name + skipped);
	return add_legacy(directories, path, skipped > 0 || *name != '/', LEGACY_LEVELS);
}

/* Adds the directories of a DT_RPATH or DT_RUNPATH, which colons separate. */
static bool add_search_path(struct paths *directories, const char *names, const char *origin)
{
	for (size_t count = 0; count < MAX_PATHS; count++) {
		const size_t length = strcspn(names, ":");
		if (!add_directory(directories, names, length, origin))
			return false;
		if (names[length] == '\0')
			return true;
		names += length + 1;
	}
	return false;
}

/* Adds the directories of all entries with this tag. */
static bool add_search_paths(
	const struct elf_object *object, int64_t tag, const char *origin, struct paths *directories)
{
	uint64_t at = 0;
	uint64_t value;
	for (size_t count = 0; find_next(object, tag, &at, &value); count++) {
		if (count == MAX_PATHS)
			return false;
		const char *names = string_at(object, value);
		if (names != NULL && !add_search_path(directories, names, origin))
			return false;
	}
	return true;
}

/* Adds the files that the loader may find for one DT_NEEDED. A name with a slash is a path. Any
 * other name is looked for in each of the directories. */
static bool add_needed(struct search *search, const char *name, const char *origin)
{
	if (strchr(name, '/') != NULL)
		return add_named(&search->files, name, strlen(name), origin, "");
	for (size_t i = 0; i < search->directories.count; i++) {
		const struct path *directory = &search->directories.all[i];
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", directory->text, name);
		if (!add_path(&search->files, path, directory->is_beside))
			return false;
	}
	return true;
}

/* Returns true if the object names a filter library, which glibc loads too. */
static bool has_filter(const struct elf_object *object)
{
	uint64_t at = 0;
	uint64_t value;
	if (find_next(object, DT_FILTER, &at, &value))
		return true;
	at = 0;
	return find_next(object, DT_AUXILIARY, &at, &value);
}

/* Adds the directories in an object's search paths, then the libraries that the object needs.
 * Returns false if there is no room, and for filter libraries, which nobody uses on Linux. */
static bool follow_object(
	const struct elf_object *object, const char *origin, struct search *search)
{
	if (has_filter(object))
		return false;
	if (!add_search_paths(object, DT_RPATH, origin, &search->directories) ||
		!add_search_paths(object, DT_RUNPATH, origin, &search->directories))
		return false;
	uint64_t at = 0;
	uint64_t value;
	for (size_t count = 0; find_next(object, DT_NEEDED, &at, &value); count++) {
		if (count == MAX_PATHS)
			return false;
		const char *name = string_at(object, value);
		if (name != NULL && !add_needed(search, name, origin))
			return false;
	}
	return true;
}

/* Follows the object at an absolute path. A file that is not an ELF object has nothing to follow,
 * and the loader does not load it. Returns false if the search cannot go on. */
static bool follow_file(const char *path, struct search *search)
{
	const struct library_search *how = search->how;
	struct elf_object object;
	if (!how->map(path, &object, how->context))
		return false;
	if (!read_header(&object) || !read_dynamic_section(&object))
		return true;
	char origin[PATH_MAX];
	snprintf(origin, sizeof origin, "%.*s", (int)(strrchr(path, '/') - path), path);
	return follow_object(&object, origin, search);
}

/* Adds the object with which the search begins, by its absolute path. */
static bool add_first(struct paths *files, const char *path)
{
	char absolute[2 * PATH_MAX] = "";
	const char *separator = "";
	if (*path != '/') {
		if (getcwd(absolute, PATH_MAX) == NULL)
			return false;
		separator = "/";
	}
	snprintf(absolute + strlen(absolute), PATH_MAX, "%s%s", separator, path);
	return add_path(files, absolute, true);
}

/* Follows the files of the search in turn. Each file may add others to the list. `take` is not
 * called for the first file, because the first file is the object itself. */
static bool follow_files(struct search *search)
{
	for (size_t i = 0; i < search->files.count; i++) {
		const struct path *file = &search->files.all[i];
		if (i > 0 && !search->how->take(file->text, file->is_beside, search->how->context))
			return false;
		if (!follow_file(file->text, search))
			return false;
	}
	return true;
}

bool search_libraries(const char *path, const struct library_search *how)
{
	struct search *search = calloc(1, sizeof *search);
	if (search == NULL)
		return false;
	search->how = how;
	bool goes_on = add_first(&search->files, path);
	if (goes_on)
		goes_on = follow_files(search);
	free_paths(&search->directories);
	free_paths(&search->files);
	free(search);
	return goes_on;
}
