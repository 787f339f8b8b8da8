/* Asks the kernel if it would run an open file as code: mounts that are noexec always, and
 * execveat(2) with AT_EXECVE_CHECK from Linux 6.14 on. Nothing is executed.
 *
 * kernel_answers() sets two flags that kernel_objection() reads. Each further call gives them the
 * same values. */
#ifndef SIGTOOL_KERNEL_CHECK_H
#define SIGTOOL_KERNEL_CHECK_H
#include <stdbool.h>

/* Returns true if the kernel knows AT_EXECVE_CHECK. Until this was called, kernel_objection() looks
 * at mounts alone. */
bool kernel_answers(void);

/* Returns the reason why the kernel would not execute the open file, as text in static memory, or
 * NULL if it would. `mode` is the file's st_mode. A mount that cannot be asked counts as noexec. A
 * file without execute bits is refused only where the host has set SECBIT_EXEC_RESTRICT_FILE, as
 * nearly no package has them; elsewhere EACCES does not count. */
const char *kernel_objection(int descriptor, unsigned mode);

#endif
