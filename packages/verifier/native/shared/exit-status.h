/* The exit statuses of a start that fails, for the launcher and for spython. docs/launcher.md lists
 * every refusal with its status. */
#ifndef SIGTOOL_EXIT_STATUS_H
#define SIGTOOL_EXIT_STATUS_H
#include <stdbool.h>

enum {
	USAGE = 2,
	/* It could not be judged if the program may start, because of a fault that may pass: a full
	 * disk, or a file that is being replaced. Another start may succeed. EX_TEMPFAIL of sysexits.h
	 * has this number. */
	UNDECIDED = 75,
	/* The start was judged and refused. Another start would be refused again. */
	REFUSED = 126,
};

/* Returns UNDECIDED if the fault that this errno names may pass, else REFUSED. 0 stands for no
 * fault of the system, and gives REFUSED. A file that does not exist may be about to be replaced.
 * A missing right, a link in the wrong place or a missing feature of the kernel does not pass. */
int status_of(int error);

/* Returns true if the system lacks memory or descriptors. Somebody may have caused that, so it must
 * never make a check or a restriction smaller. */
bool is_shortage(int error);

#endif
