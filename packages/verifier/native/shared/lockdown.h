/* A filter of system calls, which stays on the process until it ends. shared/lockdown.c lists the
 * calls that it refuses. */
#ifndef SIGTOOL_LOCKDOWN_H
#define SIGTOOL_LOCKDOWN_H
#include <stdint.h>

enum {
	/* Filters every thread of the process. Otherwise only the calling thread, and the threads that
	 * it starts later, are filtered. */
	ALL_THREADS = 1,
	/* Refuses only execve, execveat, and the ioctl() requests TIOCSTI and TIOCLINUX. */
	PROGRAMS_ONLY = 2,
	/* Refuses the ways to a TCP port that Landlock does not see as TCP, such as MPTCP. */
	TCP_LIMITED = 4,
};

/* The arguments of the one execveat() call that stays allowed, any number of times. `secret` is the
 * sixth argument, which the kernel ignores. */
struct execution {
	int program;
	const char *path;
	char *const *arguments;
	uint64_t secret;
};

/* Makes the kernel refuse the system calls that lockdown.c lists, from now on and mostly with
 * EPERM. Sets no_new_privs. If `allowed` is NULL, no call can execute a program.
 *
 * `how` is a sum of the flags above. Returns 0, or -1 with errno. With ALL_THREADS it can also
 * return the number of a thread that could not be filtered, and then no thread is filtered. */
int restrict_calls(const struct execution *allowed, int how);

#endif
