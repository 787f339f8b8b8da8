/* Opens a file, and finds its real path in as few system calls as possible. */
#ifndef SIGTOOL_OPENED_PATH_H
#define SIGTOOL_OPENED_PATH_H
#include <limits.h>

/* Opens a file for reading and returns its descriptor, or -1 with errno. `real` becomes its real
 * path, or "" with errno if /proc does not tell it. */
int open_with_real_path(const char *path, char real[PATH_MAX]);

#endif
