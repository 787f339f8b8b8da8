/* Checks before Python starts, which say what is missing in the words of sigtool. Without them the
 * process would end by a signal, or CPython would name only the first module that it cannot
 * load. */
#include "spython.h"
#include <stdbool.h>
#include <sys/resource.h>

/* The judging of a file takes about 60 KiB of stack, and Python's own calls are below it. */
enum { LEAST_STACK_KIB = 128 };

/* The library without which no Python starts. */
static const char FIRST_MODULE[] =
	SPYTHON_HOME "/lib/python" SPYTHON_RELEASE "/encodings/__init__.py";

void require_stack(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= LEAST_STACK_KIB * 1024)
		return;
	fail(REFUSED, NULL,
		"Cannot start: the limit of the stack is %lu KiB, and must be %d (ulimit -s)",
		(unsigned long)limit.rlim_cur / 1024, LEAST_STACK_KIB);
}

void require_library(void)
{
	char real[PATH_MAX];
	const bool counts_attributes = rules.xattr_ima || rules.xattr_spython;
	if (rules.mode < MODE_ENFORCE || counts_attributes || realpath(FIRST_MODULE, real) == NULL)
		return;
	const struct entry entry = find_entry(real);
	if (entry.digest != NULL)
		return;
	char *slash = strstr(real, "/encodings/");
	if (slash != NULL)
		*slash = '\0';
	fail(REFUSED, entry.product == NULL ? "ERR_OUTSIDE_PRODUCTS" : "ERR_FILE_ADDED",
		"Cannot start: the trust index does not name the library of Python in \"%s\"; compile it "
		"again with --adopt for it, and for the other directories that `sigtool python build` "
		"prints",
		real);
}
