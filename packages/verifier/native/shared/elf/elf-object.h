/* Reads a 64-bit ELF file: its program headers, its dynamic section, and the strings of that
 * section.
 *
 * Guarantees that no byte outside of the file is read, whatever the file contains. The caller must
 * make sure that the file does not shrink while it is mapped, because reading beyond its end ends
 * the process. */
#ifndef SIGTOOL_ELF_OBJECT_H
#define SIGTOOL_ELF_OBJECT_H
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Describes a file that is mapped into memory, and the positions of its dynamic section and
 * strings. */
struct elf_object {
	const unsigned char *bytes;
	size_t size;
	Elf64_Ehdr header;
	Elf64_Phdr dynamic; /* the program header of type PT_DYNAMIC */
	uint64_t strings; /* virtual address of the string table, DT_STRTAB */
};

/* Maps a file into read-only memory. Returns false with errno if the file cannot be opened or
 * mapped. The size is 0 for an empty file, and for a file that is not regular. */
bool map_object(const char *path, struct elf_object *object);
void unmap_object(struct elf_object *object);

/* Fills in the header. Returns false if the file is not a 64-bit ELF file. */
bool read_header(struct elf_object *object);

/* Finds the dynamic section and the string table. read_header() has to be called before. Returns
 * false if the file has none, as a static program. */
bool read_dynamic_section(struct elf_object *object);

/* Copies the program header with this number. Returns false if there is none. */
bool read_program_header(const struct elf_object *object, size_t number, Elf64_Phdr *segment);

/* Returns the string at this offset of the file. Returns NULL if the offset is behind the end, or
 * if no NUL ends the string. */
const char *string_in_file(const struct elf_object *object, uint64_t offset);

/* Returns the string at this offset of the string table. Returns NULL if no segment contains the
 * offset, or if no NUL ends the string. */
const char *string_at(const struct elf_object *object, uint64_t string_offset);

/* Finds the next entry with this tag in the dynamic section, and sets `value` to its value. `at` is
 * the offset in the section where the search begins. It is 0 for the first call, and each call
 * moves it behind the entry. Returns false if no such entry follows. */
bool find_next(const struct elf_object *object, int64_t tag, uint64_t *at, uint64_t *value);

/* Returns the length of the `$ORIGIN` or `${ORIGIN}` at the beginning of `name`, or 0 if there is
 * none. ld.so(8) replaces it by the directory of the object. */
size_t origin_length(const char *name);

#endif
