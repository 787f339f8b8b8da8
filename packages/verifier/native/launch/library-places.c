/* Guarantees that each_library_place() calls `take` with every directory where the dynamic loader
 * of the runtime looks for shared libraries, and with every file that tells the loader where to
 * look. The loader is ld.so(8) of glibc, or that of musl. A user who can write to such a place
 * decides which native code the next start loads, before any hook runs.
 *
 * This file assumes that the libraries' own search paths (DT_RUNPATH) name only directories that
 * are covered anyway, and does not read these paths. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "../shared/elf/elf-object.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CACHED_DIRECTORIES = 256, MAX_SEARCH_PATHS = 256 };

static const char CACHE[] = "/etc/ld.so.cache";

/* These are the default directories of both loaders on common distributions, and the files that
 * lead to other directories. Directories that do not exist are listed too, because a program could
 * make them. */
static const char *const SYSTEM[] = {
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/usr/lib",
	"/usr/lib32",
	"/usr/lib64",
	"/usr/libx32",
	"/usr/libexec",
	/* Debian's Node.js loads modules of its own from here. */
	"/usr/share/nodejs",
	"/usr/local/lib",
	"/usr/local/lib32",
	"/usr/local/lib64",
	"/usr/local/libexec",
	"/etc/alternatives",
	"/etc/ld.so.preload",
	CACHE,
	"/etc/ld.so.conf",
	"/etc/ld.so.conf.d",
	"/etc/ld-musl-x86_64.path",
	"/etc/ld-musl-aarch64.path",
	/* OpenSSL's configuration can name libraries to load. */
	"/etc/ssl/openssl.cnf",
	"/etc/pki/tls/openssl.cnf",
};

/* This is the format of the cache since glibc 2.2 (sysdeps/generic/dl-cache.h): a header, entries,
 * strings. A cache of glibc before 2.32 has an older part before the header. */
struct cache_header {
	char magic[20];
	uint32_t count;
	uint32_t string_bytes;
	uint32_t others[5];
};
struct cache_entry {
	int32_t flags;
	uint32_t name;
	uint32_t path; /* the offset of the library's path from the header */
	uint32_t os_version;
	uint64_t capabilities;
};
struct old_cache_header {
	char magic[12];
	uint32_t count;
};
enum { OLD_ENTRY_BYTES = 12, CACHE_ALIGNMENT = 8 };

/* Returns the offset of the header in the file. */
static size_t find_cache_header(const struct elf_object *file)
{
	static const char OLD_MAGIC[] = "ld.so-1.7.0";
	struct old_cache_header old;
	if (file->size < sizeof old || memcmp(file->bytes, OLD_MAGIC, strlen(OLD_MAGIC)) != 0)
		return 0;
	memcpy(&old, file->bytes, sizeof old);
	const size_t end = sizeof old + (size_t)old.count * OLD_ENTRY_BYTES;
	return (end + CACHE_ALIGNMENT - 1) / CACHE_ALIGNMENT * CACHE_ALIGNMENT;
}

/* Adds `directory` to the list, and returns true if it was not in the list before. The list points
 * into the mapped cache. */
static bool add_once(const char *directory, size_t length)
{
	static struct {
		const char *text;
		size_t length;
	} known[MAX_CACHED_DIRECTORIES];
	static size_t count;
	for (size_t i = 0; i < count; i++) {
		if (known[i].length == length && memcmp(known[i].text, directory, length) == 0)
			return false;
	}
	if (count == MAX_CACHED_DIRECTORIES)
		fail(REFUSED, "Cannot make directories writable: \"%s\" names more than %d directories",
			CACHE, MAX_CACHED_DIRECTORIES);
	known[count].text = directory;
	known[count].length = length;
	count++;
	return true;
}

/* Calls `take` with the directory of a library that the cache names, unless `take` was called with
 * this directory before. Returns false if `library` is no absolute path, or is too long. */
static bool take_cached(const char *library, take_place *take, void *context)
{
	if (library == NULL || *library != '/')
		return false;
	const size_t length = (size_t)(strrchr(library, '/') - library);
	char directory[PATH_MAX];
	if (length >= sizeof directory)
		return false;
	if (!add_once(library, length))
		return true;
	snprintf(directory, sizeof directory, "%.*s", (int)length, library);
	/* A library may be in the root directory. Then `take` gets only the library, because every
	 * directory that can be granted is below the root directory. */
	take(length == 0 ? library : directory, context);
	return true;
}

/* Calls `take` with the directories of all entries of the cache. Returns false if the cache has
 * another form. */
static bool read_cache(const struct elf_object *file, take_place *take, void *context)
{
	static const char MAGIC[] = "glibc-ld.so.cache1.1";
	const size_t start = find_cache_header(file);
	struct cache_header header;
	if (start > file->size || file->size - start < sizeof header)
		return false;
	memcpy(&header, file->bytes + start, sizeof header);
	const size_t room = file->size - start - sizeof header;
	if (memcmp(header.magic, MAGIC, sizeof header.magic) != 0 ||
		header.count > room / sizeof(struct cache_entry))
		return false;
	for (uint32_t i = 0; i < header.count; i++) {
		struct cache_entry entry;
		const size_t at = start + sizeof header + i * sizeof entry;
		memcpy(&entry, file->bytes + at, sizeof entry);
		if (!take_cached(string_in_file(file, start + entry.path), take, context))
			return false;
	}
	return true;
}

/* Calls `take` with the directories of the loader's cache, if there is a cache. A cache of unknown
 * form ends the process, because the loader may understand it and find libraries in directories
 * that this file does not know. */
static void each_cached_directory(take_place *take, void *context)
{
	/* The mapping is kept, because the list of add_once() points into it. */
	static struct elf_object file;
	if (!map_object(CACHE, &file)) {
		if (errno == ENOENT)
			return;
		fail(
			status_of(errno), "Cannot make directories writable: \"%s\" cannot be read: %m", CACHE);
	}
	if (!read_cache(&file, take, context))
		fail(REFUSED, "Cannot make directories writable: \"%s\" is damaged; run ldconfig", CACHE);
}

/* Calls `take` with one directory of a search path. `$ORIGIN` is replaced by the program's
 * directory, and an empty name means the current directory. If another `$` follows, only the loader
 * knows how it is replaced. In this case `take` gets the last directory before that `$`, which
 * contains every path that the name can become. */
static void take_named(
	const char *name, size_t length, const char *origin, take_place *take, void *context)
{
	const size_t skipped = origin_length(name);
	const char *rest = name + skipped;
	const char *dollar = memchr(rest, '$', length - skipped);
	size_t taken = length - skipped;
	if (dollar != NULL) {
		taken = (size_t)(dollar - rest);
		while (taken > 0 && rest[taken - 1] != '/')
			taken--;
	}
	char path[PATH_MAX];
	const int written =
		snprintf(path, sizeof path, "%s%.*s", skipped > 0 ? origin : "", (int)taken, rest);
	if (written >= PATH_MAX)
		fail(REFUSED, "Cannot make directories writable: a search path of the program is too long");
	take(*path == '\0' ? "." : path, context);
}

static void take_search_path(const char *names, const char *origin, take_place *take, void *context)
{
	for (size_t count = 0; count < MAX_SEARCH_PATHS; count++) {
		const size_t length = strcspn(names, ":");
		take_named(names, length, origin, take, context);
		if (names[length] == '\0')
			return;
		names += length + 1;
	}
	fail(REFUSED, "Cannot make directories writable: the program names more than %d directories",
		MAX_SEARCH_PATHS);
}

/* Calls `take` with the loader that the program names (PT_INTERP). */
static void take_loader(const struct elf_object *program, take_place *take, void *context)
{
	Elf64_Phdr segment;
	for (size_t i = 0; read_program_header(program, i, &segment); i++) {
		const char *loader = NULL;
		if (segment.p_type == PT_INTERP)
			loader = string_in_file(program, segment.p_offset);
		if (loader != NULL)
			take(loader, context);
	}
}

/* Calls `take` with the program's loader, and with the directories of its DT_RPATH and DT_RUNPATH.
 * A program that is not a 64-bit ELF file adds no place, because it does not start in the modes
 * enforce and strict. */
static void each_place_of_program(const char *path, take_place *take, void *context)
{
	static const int64_t TAGS[] = {DT_RPATH, DT_RUNPATH};
	struct elf_object program;
	if (!map_object(path, &program))
		fail(status_of(errno), "Cannot open \"%s\": %m", path);
	char origin[PATH_MAX];
	snprintf(origin, sizeof origin, "%.*s", (int)(strrchr(path, '/') - path), path);
	const bool is_program = read_header(&program);
	if (is_program)
		take_loader(&program, take, context);
	if (is_program && read_dynamic_section(&program)) {
		for (size_t i = 0; i < sizeof TAGS / sizeof *TAGS; i++) {
			uint64_t at = 0;
			uint64_t value;
			while (find_next(&program, TAGS[i], &at, &value)) {
				const char *names = string_at(&program, value);
				if (names != NULL)
					take_search_path(names, origin, take, context);
			}
		}
	}
	unmap_object(&program);
}

void each_library_place(const char *program, take_place *take, void *context)
{
	for (size_t i = 0; i < sizeof SYSTEM / sizeof *SYSTEM; i++)
		take(SYSTEM[i], context);
	each_cached_directory(take, context);
	each_place_of_program(program, take, context);
}
