/* Files that decide what may run: read only where nobody but their owner could have written them,
 * or put others there. */
#ifndef SIGTOOL_OWNED_FILE_H
#define SIGTOOL_OWNED_FILE_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* What is trusted besides root: the user who runs this; directories open to all where nobody
 * replaces what is another's; and links on the way. */
enum { TRUST_USER = 1, TRUST_STICKY = 2, TRUST_LINKS = 4 };

/* Opens a regular file. -1 where it cannot be trusted with all directories above it; `why` says
 * that, until the next call. */
int open_owned(const char *path, int trusted, const char **why);

/* All of such a file into `text`, with a NUL behind it, and how much that is; -1 where it does not
 * fit, or cannot be trusted. */
ssize_t read_owned(const char *path, int trusted, char *text, size_t room, const char **why);

/* An open file from its beginning, to its end or as much as there is room for: how much that was;
 * -1, with errno. */
ssize_t read_all(int file, void *to, size_t room);

/* Where an open file really is. False, with errno, when nobody can tell. */
bool real_path_of(int descriptor, char path[PATH_MAX]);

struct stat;
enum { IDENTITY = 160 };

/* The file it is, untouched since: device, inode, size, and when content and inode were changed. */
void identity_of(const struct stat *entry, char identity[IDENTITY]);

#endif
