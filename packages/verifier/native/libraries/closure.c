/* Makes the copies of closure.h. */
#define _GNU_SOURCE
#include "closure.h"
#include "../shared/elf/linked-libraries.h"
#include "../shared/confinement/memory-file-mark.h"
#include "../shared/files/opened-path.h"
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

/* Returns the number of bytes from the beginning of the file that the loader may use: up to the end
 * of the last segment. A file that is changed meanwhile gets another digest. */
static size_t size_to_load(int file, size_t size)
{
	enum { MAX_SEGMENTS = 64 };
	Elf64_Ehdr header;
	Elf64_Phdr segments[MAX_SEGMENTS];
	if (pread(file, &header, sizeof header, 0) != sizeof header || header.e_phnum > MAX_SEGMENTS ||
		header.e_phentsize != sizeof *segments)
		return size;
	const size_t bytes = header.e_phnum * sizeof *segments;
	if (pread(file, segments, bytes, (off_t)header.e_phoff) != (ssize_t)bytes)
		return size;
	uint64_t end = header.e_phoff + bytes;
	for (size_t i = 0; i < header.e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		if (segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
			return size;
		if (segment->p_offset + segment->p_filesz > end)
			end = segment->p_offset + segment->p_filesz;
	}
	return end < size ? (size_t)end : size;
}

/* Makes the memory constant. Returns false with errno: EBUSY if somebody has mapped it for writing,
 * as another process of the program can by /proc/PID/fd. F_SEAL_FUTURE_WRITE would leave such a
 * mapping as it is. */
static bool add_seals(int memory)
{
	return fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ==
		0;
}

/* Copies the beginning of a file into sealed memory, and sets the file's offset behind it. Returns
 * the descriptor, or -1 with errno. */
static int seal(int file, size_t size)
{
	const int memory = make_memory();
	if (memory < 0)
		return -1;
	size_t left = size;
	ssize_t copied = 1;
	while (left > 0 && copied > 0) {
		copied = sendfile(memory, file, NULL, left);
		left -= copied > 0 ? (size_t)copied : 0;
	}
	if (copied == 0)
		errno = EIO; /* somebody cut the file */
	if (copied > 0 && add_seals(memory))
		return memory;
	const int error = errno;
	close(memory);
	errno = error;
	return -1;
}

/* Adds a copy of a file to the closure. Returns NULL with an objection. */
static struct library *add_copy(
	struct closure *closure, const char *path, const char *real, int file)
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
	size_t size = (size_t)status.st_size;
	if (judge->leaves_symbols)
		size = size_to_load(file, size);
	const int memory = seal(file, size);
	void *bytes = MAP_FAILED;
	if (memory >= 0 && fstat(memory, &status) == 0)
		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, memory, 0);
	char *copy = strdup(path);
	char *copy_of_real = strdup(real);
	if (bytes == MAP_FAILED || copy == NULL || copy_of_real == NULL) {
		char text[128];
		snprintf(text, sizeof text, "cannot be copied into memory: %s", strerror(errno));
		free(copy);
		free(copy_of_real);
		if (bytes != MAP_FAILED)
			munmap(bytes, size);
		if (memory >= 0)
			close(memory);
		object(closure, path, text);
		return NULL;
	}
	struct library *library = &closure->libraries[closure->count];
	*library = (struct library){
		.path = copy,
		.real = copy_of_real,
		.descriptor = memory,
		.device = status.st_dev,
		.inode = status.st_ino,
		.bytes = bytes,
		.size = size,
	};
	closure->count++;
	judge->digest(bytes, size, file, library->digest);
	return library;
}

/* Adds a library, and judges it. Returns false if it is refused, or with an objection. */
static bool add_library(struct closure *closure, const char *path)
{
	char real[PATH_MAX];
	const int file = open_with_real_path(path, real);
	if (file < 0) {
		closure->code = "ERR_FILE_MISSING";
		closure->error = closure->count == 0 ? errno : 0;
		return object(closure, path, strerror(errno));
	}
	struct library *library = add_copy(closure, path, real, file);
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

/* Runs where no other thread can exchange a descriptor. */
static void collect(void *argument)
{
	struct closure *closure = argument;
	if (!add_library(closure, closure->file))
		return;
	const struct library_search search = {take_linked, map_copy, closure};
	const bool is_complete = search_libraries(closure->file, &search);
	if (is_complete || *closure->objection != '\0')
		return;
	closure->code = "ERR_LIMIT";
	object(closure, closure->file,
		"has links that cannot be followed: too many, a $ in a path, or a filter library");
}

/* Returns true if the process has one thread. /proc/self/task then holds one directory, and the
 * number of its links is 3. Without /proc returns false. */
static bool has_one_thread(void)
{
	struct stat status;
	return stat("/proc/self/task", &status) == 0 && status.st_nlink == 3;
}

/* The mapping keeps the copy alive, so no other file gets its inode. */
static bool is_kept(const struct library *library)
{
	struct stat status;
	return fstat(library->descriptor, &status) == 0 && status.st_dev == library->device &&
		status.st_ino == library->inode;
}

bool is_safe(const struct closure *closure, const struct library *library)
{
	return closure->is_apart || (has_one_thread() && is_kept(library));
}

static bool collect_somewhere(struct closure *closure)
{
	closure->is_apart = closure->judge->is_always_apart || !has_one_thread();
	if (!closure->is_apart) {
		closure->thread = gettid();
		collect(closure);
		return true;
	}
	const bool has_thread = run_apart(&closure->apart, collect, closure);
	closure->thread = closure->apart.thread;
	return has_thread;
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
	if (has_memory && collect_somewhere(closure))
		return closure;
	free(closure->libraries);
	free(closure->file);
	free(closure);
	return NULL;
}

/* A program may have closed a descriptor, and its number may mean another file now. */
static void close_copies(struct closure *closure)
{
	for (size_t i = 0; i < closure->count; i++) {
		if (is_kept(&closure->libraries[i]))
			close(closure->libraries[i].descriptor);
	}
}

void release_closure(struct closure *closure)
{
	if (closure->is_apart)
		end_apart(&closure->apart);
	else
		close_copies(closure);
	for (size_t i = 0; i < closure->count; i++) {
		munmap((void *)closure->libraries[i].bytes, closure->libraries[i].size);
		free(closure->libraries[i].path);
		free(closure->libraries[i].real);
		free(closure->libraries[i].note);
	}
	free(closure->libraries);
	free(closure->file);
	free(closure);
}
