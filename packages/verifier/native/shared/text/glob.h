/* Matches paths with the globs of a policy. packages/core/src/trust/glob.ts has the same algorithm.
 */
#ifndef SIGTOOL_GLOB_H
#define SIGTOOL_GLOB_H
#include <stdbool.h>

/* Returns true if the whole path matches. In the glob, `*` stands for any characters but `/`. A
 * part that is `**` stands for any number of directories, also none; at the end it stands for
 * everything below, so `lib` followed by `**` does not match `lib`. Every other character stands
 * for itself. Both must have the form that the schema demands: no empty part, `.` or `..`. */
bool matches_glob(const char *glob, const char *path);

/* Returns true if a path is that of an entry: no part of it is empty, `.` or `..`. */
bool is_entry_path(const char *path);

/* Returns true if the last part of a path is `name`. */
bool has_file_name(const char *path, const char *name);

#endif
