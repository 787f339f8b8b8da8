/* Finds the libraries that the system's loader may take along with a shared object (64-bit ELF;
 * ld.so(8)) from directories that the object, or one of those libraries, names itself: DT_RPATH,
 * DT_RUNPATH, and paths in DT_NEEDED.
 *
 * The search is as wide as the loader's could be: of several files that the loader would choose
 * from, it gives all. Libraries that the loader finds in the system's own directories are not
 * looked for, as only root should be able to write there. The caller has judged the object before
 * the search; each library is judged before it is looked into itself. */
#ifndef SIGTOOL_LINKED_LIBRARIES_H
#define SIGTOOL_LINKED_LIBRARIES_H
#include <stdbool.h>

/* Judges one library and returns true if the search may go on. `is_beside` is true if the library
 * is named relative to the object (`$ORIGIN`) or to the current directory, and false if an absolute
 * path names it. */
typedef bool take_library(const char *path, bool is_beside);

/* Hands each such library that exists to `take`, once: those that `path` needs, then those that
 * these need. Returns false as soon as `take` does, and also if not everything can be followed:
 * more than 256 files, directories or entries, a `$` other than `$ORIGIN`, or no memory or
 * descriptor left. */
bool each_linked_library(const char *path, take_library *take);

#endif
