/* Makes the copies of closure.h. */
#define _GNU_SOURCE
#include "closure.h"
#include "../shared/linked-libraries.h"
#include "../shared/lockdown.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool object(struct closure *closure, const char *path, const char *why)
{
	snprintf(closure->objection, sizeof closure->objection, "\"%s\" %s", path, why);
	return false;
}

/* Makes an empty file in memory. Returns the descriptor, or -1 with errno. */
static int make_memory(void)
{
	enum { EXECUTABLE = 0x10 /* MFD_EXEC, Linux 6.3 */, FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING };
	static const char NAME[] = "sigtool-library";
	int memory =
		(int)syscall(SYS_memfd_create, NAME, FLAGS | EXECUTABLE, 0, 0, 0, MEMORY_FILE_MARK);
	if (memory < 0 && errno == EINVAL)
		memory = (int)syscall(SYS_memfd_create, NAME, FLAGS, 0, 0, 0, MEMORY_FILE_MARK);
	return memory;
}

/* Copies a file into sealed memory. Returns the descriptor, or -1 with errno. */
static int seal(int file, size_t size)
{
	enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
	const int memory = make_memory();
	if (memory < 0)
		return -1;
	off_t at = 0;
	ssize_t copied = 1;
	while ((size_t)at < size && copied > 0)
		copied = sendfile(memory, file, &at, size - (size_t)at);
	if (copied == 0)
		errno = EIO; /* somebody cut the file */
	if (copied > 0 && fcntl(memory, F_ADD_SEALS, SEALS) == 0)
		return memory;
	const int error = errno;
	close(memory);
	errno = error;
	return -1;
}

/* Adds a copy of a file to the closure. Returns NULL with an objection. */
static struct library *add_copy(struct closure *closure, const char *path, int file)
{
	const struct library_judge *judge = closure->judge;
	const char *why = NULL;
	struct stat status;
	closure->code = "ERR_LIMIT";
	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
		closure->code = "ERR_FILE_TYPE";
		why = "is no regular file, or is empty";
	} else if ((uint64_t)status.st_size > judge->max_size)
		why = "is larger than files.maxSizeBytes of the policy";
	else if (closure->count == MAX_LIBRARIES)
		why = "is one library too many";
	if (why != NULL) {
		object(closure, path, why);
		return NULL;
	}
	const size_t size = (size_t)status.st_size;
	const int memory = seal(file, size);
	void *bytes = MAP_FAILED;
	if (memory >= 0)
		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, memory, 0);
	char *copy = strdup(path);
	if (bytes == MAP_FAILED || copy == NULL) {
		char text[128];
		snprintf(text, sizeof text, "cannot be copied into memory: %s", strerror(errno));
		free(copy);
		object(closure, path, text);
		return NULL;
	}
	struct library *library = &closure->libraries[closure->count];
	*library = (struct library){.path = copy, .descriptor = memory, .bytes = bytes, .size = size};
	closure->count++;
	judge->digest(bytes, size, library->digest);
	return library;
}

/* Adds a library, and judges it. Returns false if it is refused, or with an objection. */
static bool add_library(struct closure *closure, const char *path)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0) {
		closure->code = "ERR_FILE_MISSING";
		closure->error = closure->count == 0 ? errno : 0;
		return object(closure, path, strerror(errno));
	}
	struct library *library = add_copy(closure, path, file);
	const bool is_accepted = library != NULL && closure->judge->judge(closure, library, file);
	close(file);
	return is_accepted;
}

static bool take_linked(const char *path, bool is_beside, void *context)
{
	struct closure *closure = context;
	return closure->judge->is_left_out(path, is_beside) || add_library(closure, path);
}

/* Gives the search the bytes of the copy. A library without a copy was left out, and has no
 * libraries but those that are left out too. The search begins with the first library, and has made
 * its path absolute. */
static bool map_copy(const char *path, struct elf_object *elf, void *context)
{
	struct closure *closure = context;
	const bool is_first = !closure->has_begun;
	closure->has_begun = true;
	*elf = (struct elf_object){0};
	for (size_t i = 0; i < closure->count; i++) {
		const struct library *library = &closure->libraries[i];
		if ((is_first && i == 0) || strcmp(library->path, path) == 0) {
			elf->bytes = library->bytes;
			elf->size = library->size;
			break;
		}
	}
	return true;
}

bool read_copy(const struct library *library, struct elf_object *elf)
{
	*elf = (struct elf_object){.bytes = library->bytes, .size = library->size};
	return read_header(elf) && read_dynamic_section(elf);
}

/* Runs apart, so that no other thread can exchange a descriptor. */
static void collect(void *argument)
{
	struct closure *closure = argument;
	if (!add_library(closure, closure->file))
		return;
	const struct library_search search = {take_linked, map_copy, NULL, closure};
	const bool is_complete = search_libraries(closure->file, &search);
	if (is_complete || *closure->objection != '\0')
		return;
	closure->code = "ERR_LIMIT";
	object(closure, closure->file, "is linked to more than can be followed");
}

struct closure *collect_closure(const char *file, const struct library_judge *judge)
{
	struct closure *closure = calloc(1, sizeof *closure);
	if (closure == NULL)
		return NULL;
	closure->judge = judge;
	closure->file = strdup(file);
	closure->libraries = calloc(MAX_LIBRARIES, sizeof *closure->libraries);
	const bool has_memory = closure->file != NULL && closure->libraries != NULL;
	if (has_memory && run_apart(&closure->apart, collect, closure))
		return closure;
	free(closure->libraries);
	free(closure->file);
	free(closure);
	return NULL;
}

void release_closure(struct closure *closure)
{
	end_apart(&closure->apart);
	for (size_t i = 0; i < closure->count; i++) {
		munmap((void *)closure->libraries[i].bytes, closure->libraries[i].size);
		free(closure->libraries[i].path);
		free(closure->libraries[i].note);
	}
	free(closure->libraries);
	free(closure->file);
	free(closure);
}
