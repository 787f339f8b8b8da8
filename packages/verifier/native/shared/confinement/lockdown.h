/* Installs a filter of system calls, which stays on a thread until the thread ends.
 * shared/confinement/lockdown.c lists the calls that the filter refuses. */
#ifndef SIGTOOL_LOCKDOWN_H
#define SIGTOOL_LOCKDOWN_H
#include <stdbool.h>
#include <stdint.h>

enum {
	/* Filters every thread of the process. Otherwise only the calling thread, and the threads that
	 * it starts later, are filtered. */
	ALL_THREADS = 1,
	/* Refuses only execve, execveat, the ioctl() requests TIOCSTI and TIOCLINUX, and chroot and
	 * setns: with another /proc, the loader would open another file than the copy that was
	 * judged. */
	PROGRAMS_ONLY = 2,
	/* Refuses the ways to a TCP port that Landlock does not see as TCP, such as MPTCP. */
	TCP_LIMITED = 4,
	/* Refuses to map memory without a file as code: shared memory, because a second mapping of the
	 * same pages could be writable, and other memory, because nothing needs it. Leaves memory that
	 * is writable as well to PR_SET_MDWE. A shared mapping of a file stays allowed, because libffi
	 * uses such a mapping for the callbacks of ctypes, in a file that it may write. */
	ONLY_FILES_AS_CODE = 8,
	/* Allows memfd_create() with MEMORY_FILE_MARK as its sixth argument, which the kernel ignores.
	 * Only native code can pass it: what a program writes to such a file, it could map as code. */
	MEMORY_FILES = 16,
	/* Keeps the program from closing, exchanging and duplicating CHANNEL_DESCRIPTOR. */
	KEEPS_CHANNEL = 32,
};

/* These are the arguments of the only execveat() call that stays allowed. It may be called any
 * number of times. `secret` is the sixth argument, which the kernel ignores. */
struct execution {
	int program;
	const char *path;
	char *const *arguments;
	uint64_t secret;
};

/* Makes the kernel refuse the system calls that lockdown.c lists, from now on: those that execute a
 * program with EACCES, and the others mostly with EPERM. Sets no_new_privs. If `allowed` is NULL,
 * no call can execute a program.
 *
 * `how` is a sum of the flags above. Returns 0, or -1 with errno. With ALL_THREADS it can also
 * return the number of a thread that could not be filtered. In this case the complete filter is
 * installed for no thread. */
int restrict_calls(const struct execution *allowed, int how);

/* Returns true if this kernel can filter system calls by restrict_calls(). */
bool can_filter_calls(void);

#endif
