/* Guarantees that the message is one line of at most 12 KiB without control characters, whatever
 * its parts contain. */
#define _GNU_SOURCE
#include "complain.h"
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { DELETE = 127 };

_Noreturn void complain(int status, const char *who, const char *format, va_list values)
{
	char line[3 * PATH_MAX];
	vsnprintf(line, sizeof line, format, values);
	for (char *c = line; *c != '\0'; c++) {
		const unsigned char byte = (unsigned char)*c;
		if (byte < ' ' || byte == DELETE)
			*c = '?';
	}
	dprintf(STDERR_FILENO, "%s: %s\n", who, line);
	_exit(status);
}
