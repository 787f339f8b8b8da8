/* Defines for one shared object the functions that glibc exports only since version 2.30 (gettid)
 * and 2.33 (stat and its kind). On 64-bit processors the kernel and glibc have one `struct stat`.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN __attribute__((visibility("hidden")))

OWN int fstatat(int directory, const char *restrict path, struct stat *restrict stats, int flags)
{
	return (int)syscall(SYS_newfstatat, directory, path, stats, flags);
}

OWN int stat(const char *restrict path, struct stat *restrict stats)
{
	return fstatat(AT_FDCWD, path, stats, 0);
}

OWN int lstat(const char *restrict path, struct stat *restrict stats)
{
	return fstatat(AT_FDCWD, path, stats, AT_SYMLINK_NOFOLLOW);
}

OWN int fstat(int descriptor, struct stat *stats)
{
	return (int)syscall(SYS_fstat, descriptor, stats);
}

OWN pid_t gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}
