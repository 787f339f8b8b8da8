#define _GNU_SOURCE
#include "look-up.h"
#include <dlfcn.h>
#include <stddef.h>

/* glibc had the function in libdl before version 2.34. AddressSanitizer calls this before it is set
 * up. */
__attribute__((no_sanitize("address", "undefined"))) look_up *real_dlsym(void)
{
	look_up *found = NULL;
	static const char *const VERSIONS[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
	for (size_t i = 0; found == NULL && i < sizeof VERSIONS / sizeof *VERSIONS; i++)
		found = (look_up *)dlvsym(RTLD_NEXT, "dlsym", VERSIONS[i]);
	return found;
}
