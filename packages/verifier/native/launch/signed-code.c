/* Guarantees that no granted directory contains native code that the index names. Such a file could
 * be changed after it was judged. The runtime loads copies, but other programs load the file.
 *
 * The index is read before its signature is verified. So it can only make this file refuse more,
 * and the runtime refuses an index that is damaged. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include "../shared/index/index-layout.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The names of an index, and its records. */
struct named_files {
	const unsigned char *records;
	size_t count;
	const unsigned char *names;
	size_t name_bytes;
};

/* Returns false if the file is no index. */
static bool find_names(int index, const struct settings *settings, struct named_files *files)
{
	static const char MAGIC[] = "\x89SIGX\r\n\x1a";
	struct stat status;
	if (fstat(index, &status) != 0)
		fail(status_of(errno), "Cannot look at \"%s\": %m", settings->index);
	if (status.st_size < HEADER_BYTES)
		return false;
	const size_t size = (size_t)status.st_size;
	const unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, index, 0);
	if (bytes == MAP_FAILED)
		fail(status_of(errno), "Cannot read \"%s\": %m", settings->index);
	const size_t records_start = HEADER_BYTES + (size_t)read_u32(bytes + HEAD_BYTES_AT);
	const size_t count = read_u32(bytes + ENTRIES_AT);
	const size_t names_start = records_start + count * RECORD_BYTES;
	const size_t name_bytes = read_u32(bytes + NAMES_BYTES_AT);
	if (memcmp(bytes, MAGIC, sizeof MAGIC - 1) != 0 || names_start + name_bytes > size)
		return false;
	*files = (struct named_files){bytes + records_start, count, bytes + names_start, name_bytes};
	return true;
}

static bool is_native(const char *path)
{
	char magic[SELFMAG];
	const int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const ssize_t length = file < 0 ? -1 : read(file, magic, sizeof magic);
	if (length < 0)
		require_answer(path);
	close(file);
	return length == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* Writes the path below its product's root that the record has. Returns false if it has none. */
static bool name_of(const struct named_files *files, size_t number, char name[PATH_MAX])
{
	const unsigned char *record = files->records + number * RECORD_BYTES;
	const size_t start = read_u32(record);
	const size_t length = read_u16(record + PATH_BYTES_AT);
	if (read_u16(record + KIND_AT) != FILE_KIND || length >= PATH_MAX ||
		start + length > files->name_bytes)
		return false;
	memcpy(name, files->names + start, length);
	name[length] = '\0';
	return true;
}

/* Looks at each file that the index names below `rest`, for whatever product. The file may belong
 * to a product with another root. But native code at the same path below this root must not be
 * writable either. */
static void require_no_code_below(
	const char *tree, const char *rest, const char *directory, const struct named_files *files)
{
	char name[PATH_MAX];
	char path[2 * PATH_MAX];
	for (size_t i = 0; i < files->count; i++) {
		if (!name_of(files, i, name) || below(name, rest) == NULL)
			continue;
		snprintf(path, sizeof path, "%s/%s", tree, name);
		if (is_native(path))
			fail(REFUSED,
				"Cannot make \"%s\" writable: \"%s\" in it is signed native code; grant a "
				"directory "
				"without it",
				directory, path);
	}
}

void require_no_signed_code(
	int index, const struct granted *granted, size_t count, const struct settings *settings)
{
	struct named_files files;
	if (!find_names(index, settings, &files))
		return;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < settings->tree_count; j++) {
			const char *rest = below(granted[i].real, settings->real_trees[j]);
			if (rest != NULL && *rest == '/')
				require_no_code_below(settings->real_trees[j], rest + 1, granted[i].real, &files);
		}
	}
}
