/* Keeps the guarantee of elf-object.h: copy_bytes() checks the bounds of each copy, and
 * string_in_file() those of each string. */
#define _GNU_SOURCE
#include "elf-object.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool map_object(const char *path, struct elf_object *object)
{
	*object = (struct elf_object){0};
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (descriptor < 0)
		return false;
	struct stat status;
	void *memory = NULL;
	if (fstat(descriptor, &status) != 0)
		memory = MAP_FAILED;
	else if (S_ISREG(status.st_mode))
		object->size = (size_t)status.st_size;
	if (object->size > 0)
		memory = mmap(NULL, object->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	const int error = errno;
	close(descriptor);
	errno = error;
	if (memory == MAP_FAILED)
		return false;
	object->bytes = memory;
	return true;
}

void unmap_object(struct elf_object *object)
{
	if (object->size > 0)
		munmap((void *)object->bytes, object->size);
	*object = (struct elf_object){0};
}

/* Copies `size` bytes at `offset` of the file. Returns false if these bytes are not inside the
 * file. */
static bool copy_bytes(const struct elf_object *object, uint64_t offset, void *to, size_t size)
{
	if (offset > object->size || size > object->size - offset)
		return false;
	memcpy(to, object->bytes + offset, size);
	return true;
}

bool read_header(struct elf_object *object)
{
	static const char IDENTITY[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64};
	return copy_bytes(object, 0, &object->header, sizeof object->header) &&
		memcmp(object->header.e_ident, IDENTITY, sizeof IDENTITY) == 0 &&
		object->header.e_phentsize == sizeof(Elf64_Phdr);
}

bool read_dynamic_section(struct elf_object *object)
{
	for (size_t i = 0; object->dynamic.p_type != PT_DYNAMIC; i++) {
		if (!read_program_header(object, i, &object->dynamic))
			return false;
	}
	uint64_t at = 0;
	return find_next(object, DT_STRTAB, &at, &object->strings);
}

bool read_program_header(const struct elf_object *object, size_t number, Elf64_Phdr *segment)
{
	if (number >= object->header.e_phnum)
		return false;
	const uint64_t offset = object->header.e_phoff + number * sizeof *segment;
	return copy_bytes(object, offset, segment, sizeof *segment);
}

const char *string_in_file(const struct elf_object *object, uint64_t offset)
{
	if (offset >= object->size)
		return NULL;
	const unsigned char *string = object->bytes + offset;
	const bool has_end = memchr(string, '\0', object->size - offset) != NULL;
	return has_end ? (const char *)string : NULL;
}

const char *string_at(const struct elf_object *object, uint64_t string_offset)
{
	const uint64_t address = object->strings + string_offset;
	Elf64_Phdr segment;
	for (size_t i = 0; read_program_header(object, i, &segment); i++) {
		if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
			address - segment.p_vaddr >= segment.p_filesz)
			continue;
		const uint64_t offset = segment.p_offset + (address - segment.p_vaddr);
		if (offset < object->size)
			return string_in_file(object, offset);
	}
	return NULL;
}

bool find_next(const struct elf_object *object, int64_t tag, uint64_t *at, uint64_t *value)
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

size_t origin_length(const char *name)
{
	static const char *const FORMS[] = {"$ORIGIN", "${ORIGIN}"};
	for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
		const size_t length = strlen(FORMS[i]);
		if (strncmp(name, FORMS[i], length) == 0)
			return length;
	}
	return 0;
}
