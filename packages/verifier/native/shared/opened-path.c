/* Guarantees that the real path is that of the opened file. openat2(2) refuses links in every part
 * of the path, so a path in the form of the kernel's real paths is the real path if the call
 * succeeds. In all other cases /proc tells it, which takes longer than to open the file: if the
 * path has a link or another form, before Linux 5.6, and under the filter of the launcher, which
 * answers as an older kernel does. */
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

/* Opens a file if no part of its path is a link. Returns -1 with errno. */
static int open_without_links(const char *path)
{
	/* Each thread would write the same value, so no lock is needed. */
	static _Atomic bool lacks_openat2;
	const struct how how = {.flags = OPEN_FLAGS, .resolve = NO_SYMLINKS};
	if (lacks_openat2)
		return -1;
	const int file = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
	if (file < 0 && errno == ENOSYS)
		lacks_openat2 = true;
	return file;
}

int open_with_real_path(const char *path, char real[PATH_MAX])
{
	int file = is_normal(path) ? open_without_links(path) : -1;
	real[0] = '\0';
	if (file >= 0) {
		strcpy(real, path); /* the kernel has accepted the length */
		return file;
	}
	file = open(path, OPEN_FLAGS);
	if (file >= 0)
		real_path_of(file, real);
	return file;
}
