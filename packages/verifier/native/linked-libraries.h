/* What the loader takes along with a shared object from directories that are named in it (ELF;
 * ld.so(8)). What it finds by itself, in the system's own directories, is not looked for. */
#ifndef SIGTOOL_LINKED_LIBRARIES_H
#define SIGTOOL_LINKED_LIBRARIES_H
#include <stdbool.h>

/* `is_beside`: the directory is named by where the object lies, not by an absolute path. */
typedef bool take_library(const char *path, bool is_beside);

/*
 * Hands each library there is for what `path` needs (DT_NEEDED in DT_RPATH or DT_RUNPATH), and for
 * what those need, to `take`; more rather than fewer, as one of several may be taken. False as soon
 * as `take` answers that, or when there are too many.
 */
bool each_linked_library(const char *path, take_library *take);

#endif
