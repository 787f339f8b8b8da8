/* The search is as wide as the loader's could be: a library that is needed is looked for in the
 * directories named by all that came before it, as DT_RPATH is inherited. */
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

enum { MOST_PLACES = 256 };

/* Directories, or files that were found. */
struct places {
	size_t count;
	struct place {
		char *path;
		bool is_beside;
	} all[MOST_PLACES];
};

struct object {
	const unsigned char *bytes;
	size_t size;
	Elf64_Ehdr head;
	Elf64_Phdr dynamic;
	uint64_t texts; /* address of its names */
};

/* False where there are too many; no second time, and not what is not there. */
static bool add(struct places *places, const char *path, bool is_beside)
{
	if (access(path, F_OK) != 0)
		return true;
	for (size_t i = 0; i < places->count; i++)
		if (strcmp(places->all[i].path, path) == 0)
			return true;
	char *kept = places->count == MOST_PLACES ? NULL : strdup(path);
	if (kept != NULL)
		places->all[places->count++] = (struct place){kept, is_beside};
	return kept != NULL;
}

static bool copy(const struct object *object, uint64_t offset, void *to, size_t size)
{
	if (offset > object->size || size > object->size - offset)
		return false;
	memcpy(to, object->bytes + offset, size);
	return true;
}

static bool read_part(const struct object *object, size_t number, Elf64_Phdr *part)
{
	return number < object->head.e_phnum &&
		   copy(object, object->head.e_phoff + number * sizeof *part, part, sizeof *part);
}

/* The name that lies `at` among the names; NULL where none does. */
static const char *name_of(const struct object *object, uint64_t at)
{
	Elf64_Phdr part;
	const uint64_t address = object->texts + at;
	for (size_t i = 0; read_part(object, i, &part); i++) {
		const uint64_t offset = part.p_offset + (address - part.p_vaddr);
		if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
			address - part.p_vaddr < part.p_filesz && offset < object->size)
			return memchr(object->bytes + offset, '\0', object->size - offset) == NULL
					   ? NULL
					   : (const char *)object->bytes + offset;
	}
	return NULL;
}

/* The next entry of this kind; `at` is 0 for the first. */
static bool find_next(const struct object *object, int64_t kind, uint64_t *at, uint64_t *value)
{
	Elf64_Dyn entry = {.d_tag = DT_NEEDED};
	while (entry.d_tag != DT_NULL && *at < object->dynamic.p_filesz &&
		   copy(object, object->dynamic.p_offset + *at, &entry, sizeof entry)) {
		*at += sizeof entry;
		*value = entry.d_un.d_val;
		if (entry.d_tag == kind)
			return true;
	}
	return false;
}

/* `$ORIGIN` is where the object was asked for, links and all. */
static bool add_named(
	struct places *places, const char *name, size_t length, const char *origin, const char *below)
{
	static const char *const FORMS[] = {"$ORIGIN", "${ORIGIN}"};
	char path[PATH_MAX];
	size_t form = 0;
	while (form < 2 && strncmp(name, FORMS[form], strlen(FORMS[form])) != 0)
		form++;
	const size_t skipped = form == 2 ? 0 : strlen(FORMS[form]);
	if (skipped > length || memchr(name + skipped, '$', length - skipped) != NULL)
		return false; /* others are the loader's to know */
	snprintf(path, sizeof path, "%s%.*s%s", form == 2 ? "" : origin, (int)(length - skipped),
		name + skipped, below);
	return add(places, path, form != 2 || *name != '/');
}

static bool add_directories(struct places *directories, const char *names, const char *origin)
{
	static const char *const BELOW[] = {
		"/glibc-hwcaps/x86-64-v4", "/glibc-hwcaps/x86-64-v3", "/glibc-hwcaps/x86-64-v2", ""};
	for (size_t count = 0; count < MOST_PLACES; count++, names++) {
		size_t length = strcspn(names, ":");
		for (size_t i = 0; i < sizeof BELOW / sizeof *BELOW; i++)
			if (!add_named(directories, length > 0 ? names : ".", length > 0 ? length : 1, origin,
					BELOW[i]))
				return false;
		names += length;
		if (*names == '\0')
			return true;
	}
	return false;
}

static bool look_into(const struct object *object, const char *origin, struct places *directories,
	struct places *files)
{
	static const int64_t KINDS[] = {DT_RPATH, DT_RUNPATH};
	uint64_t value;
	char path[PATH_MAX];
	const char *name;
	for (size_t i = 0; i < 2; i++) {
		uint64_t at = 0;
		for (size_t count = 0; find_next(object, KINDS[i], &at, &value); count++)
			if (count == MOST_PLACES || ((name = name_of(object, value)) != NULL &&
											!add_directories(directories, name, origin)))
				return false;
	}
	uint64_t at = 0;
	for (size_t count = 0; find_next(object, DT_NEEDED, &at, &value); count++) {
		name = name_of(object, value);
		if (count == MOST_PLACES || (name != NULL && strchr(name, '/') != NULL &&
										!add_named(files, name, strlen(name), origin, "")))
			return false;
		for (size_t i = 0; name != NULL && strchr(name, '/') == NULL && i < directories->count;
			i++) {
			snprintf(path, sizeof path, "%s/%s", directories->all[i].path, name);
			if (!add(files, path, directories->all[i].is_beside))
				return false;
		}
	}
	return true;
}

static bool read_object(struct object *object)
{
	bool is_one = copy(object, 0, &object->head, sizeof object->head) &&
				  memcmp(object->head.e_ident, ELFMAG "\2", SELFMAG + 1) == 0 &&
				  object->head.e_phentsize == sizeof(Elf64_Phdr);
	for (size_t i = 0; is_one && object->dynamic.p_type != PT_DYNAMIC; i++)
		is_one = read_part(object, i, &object->dynamic);
	return is_one && find_next(object, DT_STRTAB, &(uint64_t){0}, &object->texts);
}

/* What is no object of this kind is none to the loader either. */
static bool look_into_file(const char *path, struct places *directories, struct places *files)
{
	struct object object = {0};
	struct stat status;
	bool goes_on = true;
	char origin[PATH_MAX];
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
		object.size = (size_t)status.st_size;
	void *memory = object.size == 0
					   ? MAP_FAILED
					   : mmap(NULL, object.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	close(descriptor);
	if (memory == MAP_FAILED)
		return descriptor >= 0 && object.size == 0; /* for lack of memory or descriptors the loader,
													   which needs fewer, may not fail */
	object.bytes = memory;
	snprintf(origin, sizeof origin, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (read_object(&object))
		goes_on = look_into(&object, origin, directories, files);
	munmap(memory, object.size);
	return goes_on;
}

bool each_linked_library(const char *path, take_library *take)
{
	struct places *directories = calloc(1, sizeof *directories), *files = calloc(1, sizeof *files);
	char whole[2 * PATH_MAX] = "";
	bool goes_on =
		directories != NULL && files != NULL && (*path == '/' || getcwd(whole, PATH_MAX) != NULL);
	if (goes_on) {
		snprintf(whole + strlen(whole), PATH_MAX, "%s%s", *path == '/' ? "" : "/", path);
		goes_on = add(files, whole, true);
	}
	for (size_t i = 0; goes_on && i < files->count; i++)
		goes_on = (i == 0 || take(files->all[i].path, files->all[i].is_beside)) &&
				  look_into_file(files->all[i].path, directories, files);
	for (size_t i = 0; directories != NULL && i < directories->count; i++)
		free(directories->all[i].path);
	for (size_t i = 0; files != NULL && i < files->count; i++)
		free(files->all[i].path);
	free(directories);
	free(files);
	return goes_on;
}
