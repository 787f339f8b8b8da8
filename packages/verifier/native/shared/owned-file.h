/* Files that decide what may run: read only where nobody but root, and in development the user,
 * could have written them or put another in their place. */
#ifndef SIGTOOL_OWNED_FILE_H
#define SIGTOOL_OWNED_FILE_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	TRUST_USER = 1, /* what belongs to the user who runs this, beside root's */
	TRUST_STICKY = 2, /* directories open to all in which nobody replaces what is another's */
	TRUST_LINKS = 4, /* links on the way */
};

/* Opens a regular file. -1: it cannot be trusted with all directories above it, and `why` says so
 * until the next call. */
int open_owned(const char *path, int trusted, const char **why);

/* Reads all of such a file into `text`, with a NUL behind it, and returns how much that is. -1: it
 * is not smaller than `room`, or cannot be trusted. */
ssize_t read_owned(const char *path, int trusted, char *text, size_t room, const char **why);

/* Reads an open file from its beginning, to its end or as much as there is room for, and returns
 * how much that was. -1, with errno, where it cannot be read. */
ssize_t read_all(int file, void *to, size_t room);

/* Finds where an open file really is. False, with errno, where /proc does not tell. */
bool real_path_of(int descriptor, char path[PATH_MAX]);

struct stat;
enum { IDENTITY = 160 };

/* Writes what stays the same while a file is untouched: device, inode, size, and when content and
 * inode were changed. */
void identity_of(const struct stat *entry, char identity[IDENTITY]);

#endif
