/* Guarantees that asking the kernel executes nothing, and that an unexpected error counts as an
 * objection. The kernel is asked only about mounts before Linux 6.14, and for a file without
 * execute bits on a host that does not demand them. */
#define _GNU_SOURCE
#include "kernel-check.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* These constants are repeated because headers may be older. */
enum {
	EXECVE_CHECK = 0x10000, /* AT_EXECVE_CHECK, uapi/linux/fcntl.h */
	MOUNTED_NOEXEC = 0x0008, /* ST_NOEXEC, statfs(2) */
	RESTRICT_FILE = 0x100, /* SECBIT_EXEC_RESTRICT_FILE, uapi/linux/securebits.h */
	EXECUTE_BITS = 0111,
};

static bool knows_execve_check;
static bool needs_execute_bit;

/* Calls execveat(2) with AT_EXECVE_CHECK, which executes nothing. Returns 0 or the errno. */
static int check_execve(int descriptor)
{
	char *const nothing[] = {NULL};
	const int flags = AT_EMPTY_PATH | EXECVE_CHECK;
	const long result = syscall(SYS_execveat, descriptor, "", nothing, nothing, flags);
	return result == 0 ? 0 : errno;
}

static void find_answers(void)
{
	const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const int error = check_execve(self);
	close(self);
	/* If prctl() fails, its result -1 has every bit set. In this case the host counts as one that
	 * has set SECBIT_EXEC_RESTRICT_FILE. */
	needs_execute_bit = (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & RESTRICT_FILE) != 0;
	/* Kernels before Linux 6.14 refuse the flag with EINVAL before they look at the descriptor. */
	knows_execve_check = error != EINVAL && error != ENOSYS;
}

bool kernel_answers(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_answers);
	return knows_execve_check;
}

const char *kernel_objection(int descriptor, unsigned mode)
{
	struct statfs mount;
	if (fstatfs(descriptor, &mount) != 0 || (mount.f_flags & MOUNTED_NOEXEC) != 0)
		return "its mount is noexec";
	const bool may_be_executable = needs_execute_bit || (mode & EXECUTE_BITS) != 0;
	if (!knows_execve_check || !may_be_executable)
		return NULL;
	switch (check_execve(descriptor)) {
	case 0:
		return NULL;
	case ETXTBSY:
		return "it is open for writing";
	case EACCES:
		return needs_execute_bit ? "it has no execute bit, which this host demands" : NULL;
	default:
		return "the kernel would not execute it";
	}
}
