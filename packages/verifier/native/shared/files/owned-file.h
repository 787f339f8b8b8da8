/* Reads files that decide what may run. Guarantees that nobody but root, and in development the
 * user, could have written or replaced such a file. */
#ifndef SIGTOOL_OWNED_FILE_H
#define SIGTOOL_OWNED_FILE_H
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	TRUST_USER = 1, /* accepts files and directories of the user who runs this */
	TRUST_STICKY = 2, /* accepts directories that all may write to, with the sticky bit */
	TRUST_LINKS = 4, /* accepts symbolic links on the path */
};

/* Opens a regular file and returns its descriptor. Returns -1 if the file, or a directory above it,
 * cannot be opened or trusted. In this case `why` is the message, which is valid until the next
 * call, and errno is that of the system call that failed, or 0 if the file was judged. */
int open_owned(const char *path, int trusted, const char **why);

/* Reads a file that open_owned() accepts into `text`, adds a NUL, and returns the file's length in
 * bytes. Returns -1, with `why` and errno as in open_owned(), if the file cannot be trusted or
 * read, or has `room` bytes or more. */
ssize_t read_owned(const char *path, int trusted, char *text, size_t room, const char **why);

/* Reads an open file from its beginning to its end, but at most `room` bytes. Returns the number of
 * bytes, or -1 with errno. */
ssize_t read_all(int file, void *to, size_t room);

/* Finds the real path of an open file. Returns false with errno, and the path is "", if /proc does
 * not tell it or if it has PATH_MAX bytes or more. If the file was removed after it was opened, its
 * path ends with ` (deleted)`. If its mount was taken away, its path begins at the root of the
 * mount. Whoever can do that can also put the file at the path that /proc tells. */
bool real_path_of(int descriptor, char path[PATH_MAX]);

struct stat;
enum { IDENTITY = 160 };

/* Writes the facts that change if the file is changed or replaced: device, inode, size, and the
 * times when content and inode were last changed. A change is missed only if the file keeps its
 * inode and size, and if the kernel's clock did not advance or was set back. */
void identity_of(const struct stat *entry, char identity[IDENTITY]);

#endif
