/* Restricts the system calls of the collector. */
#ifndef SIGTOOL_ALLOWED_CALLS_H
#define SIGTOOL_ALLOWED_CALLS_H
#include <stdbool.h>

/* Makes the kernel refuse every system call that allowed-calls.c does not list. Returns false with
 * errno. */
bool restrict_to_allowed(void);

#endif
