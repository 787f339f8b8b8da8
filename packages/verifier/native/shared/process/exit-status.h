/* Defines the exit statuses of a start that fails, for the launcher and for spython.
 * docs/reference/launcher.md lists every refusal with its status. */
#ifndef SIGTOOL_EXIT_STATUS_H
#define SIGTOOL_EXIT_STATUS_H
#include <stdbool.h>

enum {
	USAGE = 2,
	/* The start could not be judged because of a fault that may pass, such as a full disk or a file
	 * that is being replaced. Another start may succeed. EX_TEMPFAIL of sysexits.h has the same
	 * number. */
	UNDECIDED = 75,
	/* The start was judged and refused. Another start would be refused again. */
	REFUSED = 126,
};

/* Returns UNDECIDED if the fault with this errno may pass, else REFUSED. Returns REFUSED for 0,
 * because then no system call failed. A file that does not exist may be about to be replaced, so
 * this fault may pass. A missing right, a link in the wrong place or a missing feature of the
 * kernel does not pass. */
int status_of(int error);

/* Returns true if a look that failed with this errno has found out that something is missing, is no
 * directory or no ordinary file, or is not allowed. Otherwise nothing was found out, for example
 * because memory or descriptors lack. An attacker may have caused the lack. So a caller must never
 * skip a check or a restriction because of it. */
bool is_answer(int error);

#endif
