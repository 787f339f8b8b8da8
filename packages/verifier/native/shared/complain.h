/* Ends a program that refuses to start or to go on, with a message. */
#ifndef SIGTOOL_COMPLAIN_H
#define SIGTOOL_COMPLAIN_H
#include <stdarg.h>

/* Writes `who`, a colon and the message as one line on standard error, then ends the process with
 * `status`, without exit handlers. `format` may use %m, which shows errno. A message longer
 * than 12 KiB is cut. Control characters in the message become `?`, because they could control a
 * terminal or forge a line of a log. */
_Noreturn void complain(int status, const char *who, const char *format, va_list values);

#endif
