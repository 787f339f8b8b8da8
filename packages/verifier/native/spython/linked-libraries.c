/* Guarantees that the search misses no library that the loader could choose. An object inherits the
 * DT_RPATH of others, and the loader's choice depends on facts that are unknown here. So every
 * library is looked for in all directories that any object before it names. */
#define _GNU_SOURCE
#include "linked-libraries.h"
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* The state of one search. `directories` are those in which the loader may search. `files` are the
 * first object and the libraries. Each of these files is read in turn. */
struct search {
	struct paths directories;
	struct paths files;
};

/* A shared object that is mapped into memory, and the places of its dynamic section and strings. */
struct object {
	const unsigned char *bytes;
	size_t size;
	Elf64_Ehdr header;
	Elf64_Phdr dynamic; /* the program header of type PT_DYNAMIC */
	uint64_t strings; /* virtual address of the string table, DT_STRTAB */
};

/* Adds a copy of `path` if the path exists and is not in the list yet. Returns false if there is no
 * room for it. */
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

/* Copies `size` bytes at `offset` of the file. Returns false if they are not inside the file. */
static bool copy_bytes(const struct object *object, uint64_t offset, void *to, size_t size)
{
	if (offset > object->size || size > object->size - offset)
		return false;
	memcpy(to, object->bytes + offset, size);
	return true;
}

/* Copies the program header with this number. Returns false if there is none. */
static bool read_program_header(const struct object *object, size_t number, Elf64_Phdr *segment)
{
	if (number >= object->header.e_phnum)
		return false;
	const uint64_t offset = object->header.e_phoff + number * sizeof *segment;
	return copy_bytes(object, offset, segment, sizeof *segment);
}

/* Returns the string at this offset of the string table, in the mapped file. Returns NULL if no
 * segment contains the offset, or if no NUL ends the string. */
static const char *string_at(const struct object *object, uint64_t string_offset)
{
	const uint64_t address = object->strings + string_offset;
	Elf64_Phdr segment;
	for (size_t i = 0; read_program_header(object, i, &segment); i++) {
		if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
			address - segment.p_vaddr >= segment.p_filesz)
			continue;
		const uint64_t offset = segment.p_offset + (address - segment.p_vaddr);
		if (offset >= object->size)
			continue;
		const unsigned char *string = object->bytes + offset;
		const bool has_end = memchr(string, '\0', object->size - offset) != NULL;
		return has_end ? (const char *)string : NULL;
	}
	return NULL;
}

/* Sets `value` to the value of the next entry with this tag in the dynamic section. `at` is the
 * offset in the section: it is 0 for the first call and is moved after the entry. Returns false at
 * the end of the section. */
static bool find_next(const struct object *object, int64_t tag, uint64_t *at, uint64_t *value)
{
	while (*at < object->dynamic.p_filesz) {
		Elf64_Dyn entry;
		if (!copy_bytes(object, object->dynamic.p_offset + *at, &entry, sizeof entry))
			return false;
		*at += sizeof entry;
		*value = entry.d_un.d_val;
		if (entry.d_tag == tag)
			return true;
		if (entry.d_tag == DT_NULL)
			return false;
	}
	return false;
}

/* Returns the length of the `$ORIGIN` at the beginning of `name`, or 0 if there is none. */
static size_t origin_length(const char *name)
{
	static const char *const FORMS[] = {"$ORIGIN", "${ORIGIN}"};
	for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
		const size_t length = strlen(FORMS[i]);
		if (strncmp(name, FORMS[i], length) == 0)
			return length;
	}
	return 0;
}

/* Adds the path that the loader makes of the `length` bytes at `name`, followed by `below`.
 * `origin` replaces `$ORIGIN`: it is the directory in the path by which the object is loaded.
 * Returns false if there is no room, and for any other `$`, because only the loader knows how it
 * replaces that. */
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

/* Adds a directory of the search path, and before it the directories below it that the loader
 * searches first. An empty name means the current directory. */
static bool add_directory(
	struct paths *directories, const char *name, size_t length, const char *origin)
{
	static const char *const BELOW[] = {
		"/glibc-hwcaps/x86-64-v4",
		"/glibc-hwcaps/x86-64-v3",
		"/glibc-hwcaps/x86-64-v2",
		"",
	};
	if (length == 0) {
		name = ".";
		length = 1;
	}
	for (size_t i = 0; i < sizeof BELOW / sizeof *BELOW; i++) {
		if (!add_named(directories, name, length, origin, BELOW[i]))
			return false;
	}
	return true;
}

/* Adds the directories of a DT_RPATH or DT_RUNPATH. Colons separate them. */
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
	const struct object *object, int64_t tag, const char *origin, struct paths *directories)
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

/* Adds the directories in an object's search paths, then the libraries that the object needs. */
static bool follow_object(const struct object *object, const char *origin, struct search *search)
{
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

/* Fills in the headers of a mapped file. Returns false if the file is not a 64-bit ELF object with
 * a dynamic section and a string table. */
static bool read_headers(struct object *object)
{
	static const char IDENTITY[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64};
	if (!copy_bytes(object, 0, &object->header, sizeof object->header) ||
		memcmp(object->header.e_ident, IDENTITY, sizeof IDENTITY) != 0 ||
		object->header.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	for (size_t i = 0; object->dynamic.p_type != PT_DYNAMIC; i++) {
		if (!read_program_header(object, i, &object->dynamic))
			return false;
	}
	uint64_t at = 0;
	return find_next(object, DT_STRTAB, &at, &object->strings);
}

/* Maps a regular file into read-only memory. Returns NULL if there is nothing to map, and then sets
 * `size` to 0. Returns NULL with another `size` if the mapping fails. */
static void *map_file(int descriptor, size_t *size)
{
	struct stat status;
	*size = 0;
	if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
		*size = (size_t)status.st_size;
	if (*size == 0)
		return NULL;
	void *memory = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* Follows the object at an absolute path. A file that is not an ELF object has nothing to follow,
 * and the loader does not load it. Returns false if the file cannot be opened or mapped, because
 * the loader needs fewer descriptors and less memory and may succeed. */
static bool follow_file(const char *path, struct search *search)
{
	struct object object = {0};
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (descriptor < 0)
		return false;
	void *memory = map_file(descriptor, &object.size);
	close(descriptor);
	if (memory == NULL)
		return object.size == 0;
	object.bytes = memory;
	char origin[PATH_MAX];
	snprintf(origin, sizeof origin, "%.*s", (int)(strrchr(path, '/') - path), path);
	bool goes_on = true;
	if (read_headers(&object))
		goes_on = follow_object(&object, origin, search);
	munmap(memory, object.size);
	return goes_on;
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
 * called for the first file, which is the object itself. */
static bool follow_files(struct search *search, take_library *take)
{
	for (size_t i = 0; i < search->files.count; i++) {
		const struct path *file = &search->files.all[i];
		if (i > 0 && !take(file->text, file->is_beside))
			return false;
		if (!follow_file(file->text, search))
			return false;
	}
	return true;
}

bool each_linked_library(const char *path, take_library *take)
{
	struct search *search = calloc(1, sizeof *search);
	if (search == NULL)
		return false;
	bool goes_on = add_first(&search->files, path);
	if (goes_on)
		goes_on = follow_files(search, take);
	free_paths(&search->directories);
	free_paths(&search->files);
	free(search);
	return goes_on;
}
