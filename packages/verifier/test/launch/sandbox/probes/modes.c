/* Probes that make a file with the set-user-ID or set-group-ID bit in a granted directory. Each has
 * the mode as its argument. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FCHMODAT2 = 452, SET_ID = S_ISUID | S_ISGID };

static void name_file(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/mode-%d", setting("PROBE_DIRECTORY"), getpid());
}

/* Removes the file. Returns NO_EFFECT if the file did not get the bits of `mode`. */
static int finish(const char *path, long result, long mode)
{
	const int error = outcome(result);
	struct stat status = {0};
	stat(path, &status);
	unlink(path);
	if (error != 0)
		return error;
	return (status.st_mode & SET_ID) == (mode & SET_ID) ? 0 : NO_EFFECT;
}

static int change_mode(long call, long mode)
{
	char path[PATH_MAX];
	name_file(path);
	const int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0700);
	if (file < 0)
		return errno;
	if (call == SYS_fchmod)
		return finish(path, syscall(SYS_fchmod, file, mode), mode);
	if (call == SYS_fchmodat)
		return finish(path, syscall(SYS_fchmodat, AT_FDCWD, path, mode), mode);
	if (call == FCHMODAT2)
		return finish(path, syscall(FCHMODAT2, AT_FDCWD, path, mode, 0), mode);
	return finish(path, syscall(call, path, mode), mode);
}

static int make(long call, long mode)
{
	char path[PATH_MAX];
	name_file(path);
	const int flags = O_RDWR | O_CREAT | O_EXCL;
	if (call == SYS_openat)
		return finish(path, syscall(SYS_openat, AT_FDCWD, path, flags, mode), mode);
	if (call == SYS_mknodat)
		return finish(path, syscall(SYS_mknodat, AT_FDCWD, path, S_IFREG | mode, 0), mode);
#ifdef __x86_64__
	if (call == SYS_open)
		return finish(path, syscall(SYS_open, path, flags, mode), mode);
	if (call == SYS_mknod)
		return finish(path, syscall(SYS_mknod, path, S_IFREG | mode, 0), mode);
#endif
	return finish(path, syscall(call, path, mode), mode);
}

static int try_fchmod(long mode)
{
	return change_mode(SYS_fchmod, mode);
}

static int try_fchmodat(long mode)
{
	return change_mode(SYS_fchmodat, mode);
}

static int try_fchmodat2(long mode)
{
	return change_mode(FCHMODAT2, mode);
}

static int try_openat(long mode)
{
	return make(SYS_openat, mode);
}

static int try_mknodat(long mode)
{
	return make(SYS_mknodat, mode);
}

static int try_unnamed(long mode)
{
	const char *directory = setting("PROBE_DIRECTORY");
	const int file = (int)syscall(SYS_openat, AT_FDCWD, directory, O_TMPFILE | O_RDWR, mode);
	struct stat status = {0};
	if (file < 0)
		return errno;
	fstat(file, &status);
	return (status.st_mode & SET_ID) == (mode & SET_ID) ? 0 : NO_EFFECT;
}

/* Opens a file that exists. The kernel ignores the mode then, so the filter must too. */
static int try_existing(long mode)
{
	return outcome(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, mode));
}

static int try_openat2(long mode)
{
	char path[PATH_MAX];
	name_file(path);
	struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = (unsigned)mode};
	return finish(path, syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how), mode);
}

#ifdef __x86_64__
static int try_chmod(long mode)
{
	return change_mode(SYS_chmod, mode);
}

static int try_open(long mode)
{
	return make(SYS_open, mode);
}

static int try_creat(long mode)
{
	return make(SYS_creat, mode);
}

static int try_mknod(long mode)
{
	return make(SYS_mknod, mode);
}
#else
/* arm64 has only the newer system calls. */
#define try_chmod try_fchmodat
#define try_open try_openat
#define try_creat try_openat
#define try_mknod try_mknodat
#endif

/* Makes the probes of one system call: one with each bit, and one without a bit. */
#define WITH_EACH_BIT(name, attempt)                                                               \
	{name "-setuid", attempt, 04755}, {name "-setgid", attempt, 02755},                            \
		{name "-ordinary", attempt, 0755}

const struct probe MODES[] = {
	WITH_EACH_BIT("chmod", try_chmod),
	WITH_EACH_BIT("fchmod", try_fchmod),
	WITH_EACH_BIT("fchmodat", try_fchmodat),
	WITH_EACH_BIT("fchmodat2", try_fchmodat2),
	WITH_EACH_BIT("creat", try_creat),
	WITH_EACH_BIT("open", try_open),
	WITH_EACH_BIT("openat", try_openat),
	WITH_EACH_BIT("unnamed", try_unnamed),
	WITH_EACH_BIT("mknod", try_mknod),
	WITH_EACH_BIT("mknodat", try_mknodat),
	{"open-existing", try_existing, 07777},
	{"openat2-setuid", try_openat2, 04755},
	{0},
};
