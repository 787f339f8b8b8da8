/* What the kernel says of running an open file as code. */
#ifndef SIGTOOL_KERNEL_CHECK_H
#define SIGTOOL_KERNEL_CHECK_H
#include <stdbool.h>

/* Whether it can be asked (Linux 6.14). Until this was called nothing but mounts are looked at. */
bool kernel_answers(void);

/* Why it would not execute a file of this mode; NULL where it would, or nobody can tell. A mount
 * that nobody can tell of is noexec. */
const char *kernel_objection(int descriptor, unsigned mode);

#endif
