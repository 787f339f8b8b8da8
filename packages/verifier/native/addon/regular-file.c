/* Guarantees that the path of an opened file is its real path. openat2(2) refuses links in every
 * part of the path. A kernel before Linux 5.6 does not have openat2(), and the filter of the
 * launcher answers as such a kernel does. In this case the path is compared with the real path of
 * the open file, which /proc tells. */
#define _GNU_SOURCE
#include "regular-file.h"
#include "../shared/digest-file.h"
#include "../shared/kernel-check.h"
#include "../shared/utf8.h"
#include "gate-text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* These are the number and the structure of openat2(2) in linux/openat2.h. They are repeated
 * because headers may be older. */
enum {
	OPENAT2 = 437,
	NO_SYMLINKS = 0x04, /* RESOLVE_NO_SYMLINKS */
};
enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_CLOEXEC };
struct how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

static bool is_dots(const char *name, size_t length)
{
	return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

/* Returns true if a path has the form of the kernel's real paths: it is absolute, and no name in it
 * is empty, `.` or `..`. */
static bool is_normal(const char *path)
{
	if (*path != '/')
		return false;
	const char *slash = path;
	while (*slash == '/') {
		const char *name = slash + 1;
		const size_t length = strcspn(name, "/");
		if (length == 0 || is_dots(name, length))
			return false;
		slash = name + length;
	}
	return true;
}

/* Reads `file->size` bytes into `file->content`. Returns false if the file has fewer bytes, or if
 * they are not UTF-8. */
static bool read_text(int descriptor, struct regular_file *file)
{
	const ssize_t count =
		digest_file(descriptor, file->content, file->size, true, &file->is_ascii, file->sha256);
	if (count != (ssize_t)file->size)
		return false;
	return file->is_ascii || is_utf8(file->content, file->size);
}

/* Fills in `file` from the descriptor. Returns false under the conditions of
 * read_regular_file(). */
static bool read_descriptor(
	napi_env env, const char *path, int descriptor, double max_bytes, struct regular_file *file)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
		(double)status.st_size > max_bytes)
		return false;
	file->is_executable = kernel_objection(descriptor, status.st_mode) == NULL;
	file->is_of_root = status.st_uid == 0;
	file->is_written_by_owner_alone = (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	file->size = (size_t)status.st_size;
	file->content = NULL;
	file->text_of_gate =
		env == NULL ? NULL : text_of_gate(env, path, descriptor, file->size, file->sha256);
	if (file->text_of_gate != NULL)
		return true;
	file->content = malloc(file->size + 1);
	if (file->content == NULL)
		return false;
	file->content[file->size] = '\0';
	const bool is_read = read_text(descriptor, file);
	if (!is_read)
		free(file->content);
	return is_read;
}

/* Opens a file, and compares `path` with the real path of the open file, which /proc tells. Returns
 * -1 with errno if the paths differ or the file cannot be opened. */
static int open_and_compare(const char *path)
{
	char name[32];
	char real[PATH_MAX];
	const int descriptor = open(path, OPEN_FLAGS);
	if (descriptor < 0)
		return -1;
	snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
	const ssize_t length = readlink(name, real, sizeof real);
	if (length == (ssize_t)strlen(path) && memcmp(real, path, (size_t)length) == 0)
		return descriptor;
	close(descriptor);
	errno = ELOOP;
	return -1;
}

/* Opens a file for reading if `path` has no links. Returns its descriptor, or -1 with errno. */
static int open_real_path(const char *path)
{
	/* Each thread would write the same value, so no lock is needed. */
	static _Atomic bool lacks_openat2;
	const struct how how = {.flags = OPEN_FLAGS, .resolve = NO_SYMLINKS};
	if (!lacks_openat2) {
		const int descriptor = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
		if (descriptor >= 0 || errno != ENOSYS)
			return descriptor;
		lacks_openat2 = true;
	}
	return open_and_compare(path);
}

bool read_regular_file(napi_env env, const char *path, double max_bytes, struct regular_file *file)
{
	errno = EINVAL;
	if (!can_digest() || !is_normal(path))
		return false;
	const int descriptor = open_real_path(path);
	if (descriptor < 0)
		return false;
	const bool is_read = read_descriptor(env, path, descriptor, max_bytes, file);
	close(descriptor);
	errno = EINVAL; /* The file exists, so a failure must not leave ENOENT in errno. */
	return is_read;
}
