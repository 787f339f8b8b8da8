/* Waits for a thread that the kernel refuses for a moment.
 *
 * While one thread asks if a file may be executed (shared/files/kernel-check.h), the kernel makes
 * no thread for any other: clone(2) fails with EAGAIN, as during a real execve(2). It fails in the
 * same way for as long as a limit is reached, so the waiting has an end. */
#ifndef SIGTOOL_REFUSED_THREAD_H
#define SIGTOOL_REFUSED_THREAD_H
#include <stdbool.h>

/* Waits a moment, after a thread was refused with EAGAIN for the time with this number, from 1 on.
 * Returns false if it is no use to try again. */
bool wait_for_thread(int refusals);

#endif
