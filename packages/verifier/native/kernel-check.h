/* What the kernel says of running an open file as code. */
#ifndef SIGTOOL_KERNEL_CHECK_H
#define SIGTOOL_KERNEL_CHECK_H
#include <stdbool.h>

/* execveat(2) with AT_EXECVE_CHECK, which executes nothing: 0, or the errno; EINVAL before Linux 6.14. */
int execve_answer(int descriptor);

/* Whether its mount is noexec; true where nobody can tell. */
bool mounted_noexec(int descriptor);

#endif
