/* Ends a program that refuses to start or to go on, with a message. */
#ifndef SIGTOOL_COMPLAIN_H
#define SIGTOOL_COMPLAIN_H
#include <stdarg.h>

/* Remembers which file standard error is. From then on complain() finds that file, also while the
 * program has put another in its place and keeps this one on another descriptor, as test runners
 * do. Keeps no descriptor, because whoever reads a pipe waits until all of them are closed. */
void remember_standard_error(void);

/* Writes `who`, a colon and the message as one line on standard error, then ends the process with
 * `status`, without exit handlers. `format` may use %m, which shows errno. A message longer
 * than 12 KiB is cut. Control characters in the message become `?`, because they could control a
 * terminal or forge a line of a log. */
_Noreturn void complain(int status, const char *who, const char *format, va_list values);

#endif
