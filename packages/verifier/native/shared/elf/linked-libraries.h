/* Finds the libraries that the system's loader, ld.so(8), may load with a shared object (64-bit
 * ELF). It searches the directories that the object or one of its libraries names by DT_RPATH,
 * DT_RUNPATH, and paths in DT_NEEDED.
 *
 * Guarantees that the search finds every file that the loader could choose. Libraries in the
 * system's own directories are not looked for, because only root should be able to write there. The
 * caller has to judge the object before the search. Each library is judged before its own libraries
 * are looked for. */
#ifndef SIGTOOL_LINKED_LIBRARIES_H
#define SIGTOOL_LINKED_LIBRARIES_H
#include "elf-object.h"
#include <stdbool.h>

struct library_search {
	/* Judges one library, and returns true if the search may go on. `is_beside` is true if the path
	 * of the library is relative to the object (`$ORIGIN`) or to the current directory, and false
	 * if it is an absolute path. */
	bool (*take)(const char *path, bool is_beside, void *context);
	/* Finds the bytes of the object, or of a library that `take` accepted. They must stay until the
	 * search ends. Sets the size to 0 if the library's own libraries need not be looked for.
	 * Returns false if the search cannot go on. */
	bool (*map)(const char *path, struct elf_object *object, void *context);
	void *context;
};

/* Calls `take` once for each existing library: first those that the object at `path` needs, then
 * those that these libraries need. Returns false as soon as `take` or `map` does. Also returns
 * false if the search cannot be completed: there are more than 256 files, directories or entries,
 * a `$` other than `$ORIGIN`, a filter library (DT_FILTER, DT_AUXILIARY), or memory or descriptors
 * are lacking. */
bool search_libraries(const char *path, const struct library_search *search);

#endif
