/* The interfaces of the parts that find out what a granted directory can reach: by its path, links,
 * mounts, and hard links. granted-directories.c uses the others. */
#ifndef SIGTOOL_PLACES_H
#define SIGTOOL_PLACES_H
#include "settings.h"
#include <sys/stat.h>

/* mounts.c */

/* A line of /proc/self/mountinfo. */
struct mount {
	unsigned long number;
	const char *device; /* `major:minor` */
	const char *root; /* the directory or file of the file system that is mounted */
	const char *point; /* where it is mounted */
	const char *type;
};

/* The place of a file in its file system. It is the same for each path by which the file can be
 * reached. */
struct location {
	const struct mount *mount; /* NULL if /proc does not list the mount */
	char device[32];
	char path[PATH_MAX];
};

/* Reads the mounts. The other functions need them. */
void read_mounts(void);

/* Iterates over the mounts whose point is below the directory. Returns the one that follows `last`,
 * or the first one if `last` is NULL. Returns NULL if no more follow. A mount that another one
 * hides counts too. */
const struct mount *next_mount_beneath(const struct mount *last, const char *directory);

/* Finds the place of an open file, whose real path is `real`. If /proc does not list its mount, the
 * place can be compared only with other places on such mounts, and cannot_tell() reports that. */
void locate(
	int descriptor, const char *real, struct location *location, const struct settings *settings);

/* Finds the place of the file or directory that is mounted, in its own file system. */
void locate_root(const struct mount *mount, struct location *location);

/* Returns true if one place equals the other or is below it. */
bool overlap(const struct location *one, const struct location *other);

/* Returns the part of `path` after `directory`. This part is empty, or begins with a slash. Returns
 * NULL if `path` is neither the directory nor below it. Both are real paths. */
const char *below(const char *path, const char *directory);

/* Writes the path of a directory, followed by `rest`, to `path`. `rest` is empty, or begins with a
 * slash. */
void join(char path[PATH_MAX], const char *directory, const char *rest);

/* protected-places.c */

/* A directory below which the process may write. */
struct granted {
	int descriptor;
	struct stat status;
	char real[PATH_MAX];
	struct location location;
};

/* A granted directory never contains a protected place. The kind of the place decides if,
 * conversely, a granted directory may be inside the place. */
enum place_kind {
	/* A granted directory may be inside, for example inside a signed tree, because files in a
	 * granted directory are never loaded as code. */
	MAY_CONTAIN_GRANTED,
	/* A granted directory may not be inside, for example inside /usr/lib, because the loader and
	 * the libraries read the directories below too. */
	HOLDS_LIBRARIES,
};

/* The granted directories that are compared with protected places. */
struct guard {
	const struct granted *all;
	size_t count;
	const struct settings *settings;
	enum place_kind kind;
};

/* Ends the process if a granted directory contains the place at `path` or a mount below it, or if a
 * mount makes the directory another path to one of these. Also ends the process if a granted
 * directory is inside the place and its kind does not allow that. The place may be missing.
 * `context` is a struct guard. This is a take_place function. */
void protect(const char *path, void *context);

/* Ends the process if the granted directory, or a mount below it, shows a file or directory that
 * was removed, because its other names cannot be found. */
void require_known_mounts(const struct granted *granted);

/* library-places.c */

/* Such a function is called with the path of a file or directory. The file may be missing, and the
 * path may lead over links. */
typedef void take_place(const char *path, void *context);

/* Calls `take` with each file and directory by which the dynamic loader of the runtime finds
 * libraries. */
void each_library_place(const char *program, take_place *take, void *context);

/* events-directory.c */

/* Returns true if the directory of the file of events exists, and holds at most this file. Then
 * `directory` is its real path. */
bool has_own_directory(const char *events, char directory[PATH_MAX]);

/* configured-files.c */

/* Calls `take` for each file that the host configuration names and that decides what may run. */
void each_configured_file(const struct settings *settings, take_place *take, void *context);

/* walk.c */

enum { MAX_WALK_DEPTH = 32 };

/* Such a function is called with each file and directory of a walk. If it returns true for a
 * directory, the walk enters the directory. */
typedef bool visit(const char *path, const struct stat *status, void *context);

/* The bounds of a walk. `depth` is the number of levels of directories, at most MAX_WALK_DEPTH. If
 * `file_name` is not NULL, only files of this name have to be visited. */
struct walk_bounds {
	int depth;
	size_t entries;
	const char *file_name;
};

/* Calls `visit` for what is below a directory, which `root` names by its real path. Returns false
 * if there is more than the bounds allow, or if a directory cannot be read. A directory is skipped
 * if the process can never reach the files in it. */
bool walk(const char *root, const struct walk_bounds *bounds, visit *visit, void *context);

/* signed-code.c */

/* Ends the process if a granted directory inside a signed tree contains native code that the open
 * index names. */
void require_no_signed_code(
	int index, const struct granted *granted, size_t count, const struct settings *settings);

/* other-launchers.c and hard-links.c */

/* Ends the process if the granted directory is inside the directory of another launcher, or
 * contains the directory of another launcher. `own` is the path of this launcher's
 * launcher.conf. */
void require_no_other_launcher(
	const struct granted *granted, const char *own, const struct settings *settings);

/* Ends the process if a granted directory contains a hard link of one of the `files`, which may be
 * NULL, or of a file of a signed tree. If too many files are to be compared, cannot_tell() reports
 * that. */
void require_no_hard_links(const struct granted *granted, size_t count, const char *const *files,
	size_t file_count, const struct settings *settings);

#endif
