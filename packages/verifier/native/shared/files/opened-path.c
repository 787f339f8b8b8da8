/* Guarantees that a real path is that of the opened file, whatever others exchange meanwhile.
 *
 * openat2(2) refuses links in every part of a path. So a path in the form of the kernel's real
 * paths is the real path if the call succeeds. If openat2() cannot be used, or if the path has a
 * link or another form, the file is opened first and /proc tells its path. This takes longer than
 * to open the file. Kernels before Linux 5.6 do not have openat2(), and the filter of the launcher
 * answers as they do. */
#define _GNU_SOURCE
#include "opened-path.h"
#include "owned-file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* These are the number and the structure of openat2(2) in linux/openat2.h. They are repeated
 * because headers may be older. */
enum {
	OPENAT2 = 437,
	NO_SYMLINKS = 0x04, /* RESOLVE_NO_SYMLINKS */
};
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
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
	while (*path == '/') {
		const char *name = path + 1;
		const size_t length = strcspn(name, "/");
		if (length == 0 || is_dots(name, length))
			return false;
		path = name + length;
	}
	return true;
}

/* Opens a file by openat2(2) if `path` is its real path. Returns -1 with errno: ELOOP if it is not,
 * and an error for which is_unusable() returns true if openat2() cannot be used. */
static int call_openat2(const char *path)
{
	/* Each thread would write the same value, so no lock is needed. */
	static _Atomic bool is_absent;
	const struct how how = {.flags = OPEN_FLAGS, .resolve = NO_SYMLINKS};
	if (!is_normal(path)) {
		errno = ELOOP;
		return -1;
	}
	if (is_absent) {
		errno = ENOSYS;
		return -1;
	}
	const int file = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
	if (file < 0 && errno == ENOSYS)
		is_absent = true;
	return file;
}

/* Returns true for the errors of a kernel without openat2(2), and of filters that forbid it. A file
 * can be the reason for EPERM too, so this error does not tell about other files. */
static bool is_unusable(int error)
{
	return error == ENOSYS || error == EPERM;
}

/* Keeps the promise of open_with_real_path() by /proc. */
static int open_and_ask(const char *path, char real[PATH_MAX])
{
	const int file = open(path, OPEN_FLAGS);
	if (file >= 0)
		real_path_of(file, real);
	return file;
}

int open_with_real_path(const char *path, char real[PATH_MAX])
{
	const int file = call_openat2(path);
	real[0] = '\0';
	if (file >= 0)
		strcpy(real, path); /* the kernel has accepted the length */
	else if (errno == ELOOP || is_unusable(errno))
		return open_and_ask(path, real);
	return file;
}

int open_without_links(const char *path)
{
	char real[PATH_MAX];
	int file = call_openat2(path);
	if (file >= 0 || !is_unusable(errno))
		return file;
	file = open_and_ask(path, real);
	if (file < 0 || strcmp(real, path) == 0)
		return file;
	close(file);
	errno = ELOOP;
	return -1;
}
