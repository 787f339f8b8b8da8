/* Guarantees that the message is one line of at most 12 KiB without control characters, whatever
 * its parts contain. Other characters that may confuse a terminal are left unchanged. */
#define _GNU_SOURCE
#include "complain.h"
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { DELETE = 127 };

/* Returns true for a control character from U+0080 to U+009F, which is C2 80 to C2 9F in UTF-8. */
static int is_c1(const char *c)
{
	const unsigned char first = (unsigned char)c[0];
	const unsigned char second = (unsigned char)c[1];
	return first == 0xc2 && second >= 0x80 && second <= 0x9f;
}

_Noreturn void complain(int status, const char *who, const char *format, va_list values)
{
	char line[3 * PATH_MAX];
	vsnprintf(line, sizeof line, format, values);
	for (char *c = line; *c != '\0'; c++) {
		const unsigned char byte = (unsigned char)*c;
		if (is_c1(c)) {
			c[0] = '?';
			c[1] = '?';
		} else if (byte < ' ' || byte == DELETE)
			*c = '?';
	}
	dprintf(STDERR_FILENO, "%s: %s\n", who, line);
	_exit(status);
}
