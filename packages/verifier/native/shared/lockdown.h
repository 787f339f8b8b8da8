/* A filter of system calls, which stays on the process until it ends. shared/lockdown.c lists the
 * calls that it refuses. */
#ifndef SIGTOOL_LOCKDOWN_H
#define SIGTOOL_LOCKDOWN_H

enum {
	/* Filters every thread of the process. Otherwise only the calling thread, and the threads that
	 * it starts later, are filtered. */
	ALL_THREADS = 1,
	/* Refuses only execve, execveat, and the ioctl() requests TIOCSTI and TIOCLINUX. */
	PROGRAMS_ONLY = 2,
};

/* Makes the kernel refuse system calls with EPERM from now on, and sets no_new_privs. One
 * execveat() call stays allowed, any number of times: the call with the descriptor `program` and
 * exactly these two pointers as path and argv. If `program` is -1 and both pointers are NULL, no
 * call of execveat() can execute anything.
 *
 * `how` is a sum of the flags above. Returns 0, or -1 with errno. With ALL_THREADS it can also
 * return the number of a thread that could not be filtered, and then no thread is filtered. */
int restrict_calls(int program, const char *path, char *const *arguments, int how);

#endif
