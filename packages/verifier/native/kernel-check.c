#define _GNU_SOURCE
#include "kernel-check.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* uapi/linux/fcntl.h, statfs(2), and SECBIT_EXEC_RESTRICT_FILE of uapi/linux/securebits.h, where
 * headers are older. */
enum { EXECVE_CHECK = 0x10000, MOUNTED_NOEXEC = 0x0008, RESTRICT_FILE = 0x100 };
static bool answers, needs_execute_bit;

/* execveat(2) with AT_EXECVE_CHECK, which executes nothing: 0, or the errno. */
static int answer_for(int descriptor)
{
	char *const nothing[] = {NULL};
	return syscall(SYS_execveat, descriptor, "", nothing, nothing, AT_EMPTY_PATH | EXECVE_CHECK) ==
				   0
			   ? 0
			   : errno;
}

bool kernel_answers(void)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), answer = answer_for(self);
	close(self);
	needs_execute_bit = (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & RESTRICT_FILE) != 0;
	answers = answer != EINVAL && answer != ENOSYS;
	return answers;
}

/* Nearly no package has execute bits: only a host that asked for them refuses what has none. */
const char *kernel_objection(int descriptor, unsigned mode)
{
	struct statfs mount;
	if (fstatfs(descriptor, &mount) != 0 || (mount.f_flags & MOUNTED_NOEXEC) != 0)
		return "its mount is noexec";
	int error = answers && (needs_execute_bit || (mode & 0111) != 0) ? answer_for(descriptor) : 0;
	if (error == 0 || (error == EACCES && !needs_execute_bit))
		return NULL;
	return error == ETXTBSY  ? "it is open for writing"
		   : error == EACCES ? "it has no execute bit, which this host demands"
							 : "the kernel would not execute it";
}
