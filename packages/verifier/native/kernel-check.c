#define _GNU_SOURCE
#include "kernel-check.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* uapi/linux/fcntl.h and statfs(2), where headers are older. */
enum { EXECVE_CHECK = 0x10000, MOUNTED_NOEXEC = 0x0008 };

int execve_answer(int descriptor)
{
	char *const nothing[] = {NULL};
	return syscall(SYS_execveat, descriptor, "", nothing, nothing, AT_EMPTY_PATH | EXECVE_CHECK) == 0 ? 0 : errno;
}

bool mounted_noexec(int descriptor)
{
	struct statfs mount;
	return fstatfs(descriptor, &mount) != 0 || (mount.f_flags & MOUNTED_NOEXEC) != 0;
}
