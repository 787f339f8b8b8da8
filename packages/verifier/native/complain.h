/* What a program that refuses to start, or to go on, says. */
#ifndef SIGTOOL_COMPLAIN_H
#define SIGTOOL_COMPLAIN_H
#include <stdarg.h>

/* One line on standard error, then the end. `who` and a colon are in front. Control characters,
 * which would command a terminal or part a line of a log, are none any more. */
_Noreturn void complain(int status, const char *who, const char *format, va_list values);

#endif
