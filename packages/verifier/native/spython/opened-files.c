/* Refuses to open the memory of a process, `/proc/PID/mem`, for writing: with it a program changes
 * constants, or machine code, in memory that is read-only.
 *
 * Judges the descriptor that the kernel has opened, so neither the path nor the directory that it
 * is relative to matters, nor what an attacker exchanges meanwhile. Opening this file changes
 * nothing yet. libc's own functions, such as fopen(3), do not come here; what CPython opens by them
 * for writing cannot be written at an address. */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* its inline functions have the names of those below */
#include "../shared/files/owned-file.h"
#include "../trust/trust.h"
#include "calls.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Returns true for a descriptor of `/proc/PID/mem`, and for one that cannot be told from it. Writes
 * its path to `path`. */
static bool is_process_memory(int file, char path[PATH_MAX])
{
	struct statfs system;
	strcpy(path, "mem");
	if (fstatfs(file, &system) != 0)
		return true;
	if (system.f_type != PROC_SUPER_MAGIC)
		return false;
	/* Without /proc, as after chroot(2), the name stays unknown. */
	if (!real_path_of(file, path))
		return true;
	const char *last_slash = strrchr(path, '/');
	return last_slash == NULL || strcmp(last_slash, "/mem") == 0;
}

static bool may_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

/* Opens a file as openat(2) does. */
static int open_judged(int directory, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	const int file = (int)syscall(SYS_openat, directory, name, flags, mode);
	if (file < 0 || rules.mode == MODE_OFF || !may_write(flags))
		return file;
	if (!is_process_memory(file, path) ||
		!is_call_refused("open", path, "memory of a process is not for writing"))
		return file;
	close(file);
	errno = EACCES;
	return -1;
}

/* Sets `mode` to the argument after `flags`, which exists only if the call may make a file. */
#define TAKE_MODE(mode, flags)                                                                     \
	do {                                                                                           \
		va_list rest_;                                                                             \
		va_start(rest_, flags);                                                                    \
		if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)                        \
			mode = va_arg(rest_, mode_t);                                                          \
		va_end(rest_);                                                                             \
	} while (0)

/* libc has each function under several names. Those with 64 do the same here, because a file offset
 * has 64 bits. Those that begin with two underscores are called if sources are compiled with
 * _FORTIFY_SOURCE. */
REPLACES int open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	TAKE_MODE(mode, flags);
	return open_judged(AT_FDCWD, name, flags, mode);
}

REPLACES int open64(const char *name, int flags, ...)
{
	mode_t mode = 0;
	TAKE_MODE(mode, flags);
	return open_judged(AT_FDCWD, name, flags, mode);
}

REPLACES int openat(int directory, const char *name, int flags, ...)
{
	mode_t mode = 0;
	TAKE_MODE(mode, flags);
	return open_judged(directory, name, flags, mode);
}

REPLACES int openat64(int directory, const char *name, int flags, ...)
{
	mode_t mode = 0;
	TAKE_MODE(mode, flags);
	return open_judged(directory, name, flags, mode);
}

int __open_2(const char *name, int flags);
int __open64_2(const char *name, int flags);
int __openat_2(int directory, const char *name, int flags);
int __openat64_2(int directory, const char *name, int flags);

REPLACES int __open_2(const char *name, int flags)
{
	return open_judged(AT_FDCWD, name, flags, 0);
}

REPLACES int __open64_2(const char *name, int flags)
{
	return open_judged(AT_FDCWD, name, flags, 0);
}

REPLACES int __openat_2(int directory, const char *name, int flags)
{
	return open_judged(directory, name, flags, 0);
}

REPLACES int __openat64_2(int directory, const char *name, int flags)
{
	return open_judged(directory, name, flags, 0);
}
