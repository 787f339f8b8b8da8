#define _GNU_SOURCE
#include "complain.h"
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

_Noreturn void complain(int status, const char *who, const char *format, va_list values)
{
	char line[3 * PATH_MAX];
	vsnprintf(line, sizeof line, format, values);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	dprintf(2, "%s: %s\n", who, line);
	_exit(status);
}
