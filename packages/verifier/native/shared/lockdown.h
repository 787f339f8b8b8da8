/* A filter of system calls, which stays on the process to its end; launch/lockdown.c lists what it
 * refuses. */
#ifndef SIGTOOL_LOCKDOWN_H
#define SIGTOOL_LOCKDOWN_H

enum {
	/* Filters each thread of the process; otherwise the calling thread and those it starts. */
	ALL_THREADS = 1,
	/* Refuses programs (execve, execveat), TIOCSTI and TIOCLINUX alone. */
	PROGRAMS_ONLY = 2,
};

/* Refuses system calls from here on with EPERM, and sets no_new_privs. One execveat() passes, as
 * often as it is made: of the descriptor `program` with these very pointers as path and argv. With
 * -1 for `program` and NULL for both none can succeed.
 *
 * `how` is a sum of the flags above. Returns 0; or -1 with errno; or, with ALL_THREADS, the number
 * of a thread that could not be filtered, and then no thread is. */
int restrict_calls(int program, const char *path, char *const *arguments, int how);

#endif
