/* Opens files for reading and knows their real paths, in as few system calls as possible. Opening a
 * FIFO does not wait for a writer, and a terminal does not become that of the process. The caller
 * judges the type of the file. */
#ifndef SIGTOOL_OPENED_PATH_H
#define SIGTOOL_OPENED_PATH_H
#include <limits.h>

/* Opens a file and returns its descriptor, or -1 with errno. `real` becomes its real path, or ""
 * with errno if /proc does not tell it. */
int open_with_real_path(const char *path, char real[PATH_MAX]);

/* Opens a file only if `path` is its real path. Returns its descriptor, or -1 with errno: ELOOP if
 * a part of the path is a link, empty, `.` or `..`, or if the path is relative. */
int open_without_links(const char *path);

#endif
