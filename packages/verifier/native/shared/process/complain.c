/* Guarantees that the message is one line of at most 12 KiB without control characters, whatever
 * its parts contain. Other characters that may confuse a terminal are left unchanged. */
#define _GNU_SOURCE
#include "complain.h"
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DELETE = 127, MAX_SEARCHED = 4096 };

static struct stat remembered; /* what fstat(2) said of standard error */
static bool is_remembered;

void remember_standard_error(void)
{
	is_remembered = fstat(STDERR_FILENO, &remembered) == 0;
}

/* Returns true if the descriptor is open for writing, and its file is the remembered one. Both ends
 * of a pipe are the same file. */
static bool is_standard_error(int descriptor)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0)
		return false;
	const int flags = fcntl(descriptor, F_GETFL);
	return status.st_dev == remembered.st_dev && status.st_ino == remembered.st_ino &&
		(flags & O_ACCMODE) != O_RDONLY;
}

/* Returns a descriptor of the remembered file. If there is none, returns that of standard error. */
static int find_standard_error(void)
{
	for (int i = 0; i < MAX_SEARCHED && is_remembered; i++) {
		/* Standard error comes first, which it mostly still is. */
		const int descriptor = (STDERR_FILENO + i) % MAX_SEARCHED;
		if (is_standard_error(descriptor))
			return descriptor;
	}
	return STDERR_FILENO;
}

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
	dprintf(find_standard_error(), "%s: %s\n", who, line);
	_exit(status);
}
