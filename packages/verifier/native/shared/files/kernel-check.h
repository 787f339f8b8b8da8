/* Asks the kernel if it would execute an open file. The file's mount is checked for noexec, and
 * from Linux 6.14 on execveat(2) is called with AT_EXECVE_CHECK. Nothing is executed.
 *
 * While the kernel answers, it refuses any other thread that this process makes, with EAGAIN. So
 * the kernel is asked as seldom as possible. */
#ifndef SIGTOOL_KERNEL_CHECK_H
#define SIGTOOL_KERNEL_CHECK_H
#include <stdbool.h>

/* Returns true if the kernel knows AT_EXECVE_CHECK. Asks it once in the life of the process.
 * kernel_objection() checks only mounts until this function was called. */
bool kernel_answers(void);

/* Returns the reason why the kernel would not execute the open file, as text in static memory, or
 * NULL if it would. `mode` is the file's st_mode. If fstatfs(2) fails, the mount counts as noexec.
 * A file without execute bits is refused only if the host has set SECBIT_EXEC_RESTRICT_FILE,
 * because the files of nearly all packages lack these bits. On other hosts EACCES is no
 * objection. */
const char *kernel_objection(int descriptor, unsigned mode);

#endif
