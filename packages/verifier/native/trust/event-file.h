/* The descriptor of the file of events, which may be renamed while the process runs, as logrotate
 * does. */
#ifndef SIGTOOL_EVENT_FILE_H
#define SIGTOOL_EVENT_FILE_H
#include <stdbool.h>
#include <stddef.h>

/* Returns a descriptor of the file that has this path. If the path names another file than before,
 * that file is opened. If it cannot be opened, the descriptor is that of the file which had the
 * path, as long as that file has a name. `*trouble` is then the reason, else NULL. Waits like
 * open_event_file() if `waits` is true. Returns -1 with errno if there is no
 * file to write to. */
int event_file(const char *path, bool waits, const char **trouble);

/* Returns true if the descriptor, which event_file() has returned, still is that file, and if this
 * many bytes were appended by it. */
bool is_appended_to(int descriptor, size_t bytes);

#endif
