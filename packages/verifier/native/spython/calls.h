/* Takes the place of a few functions of libc and SQLite that the interpreter and all other native
 * code call. The loader finds spython's functions first, because it loads spython before all other
 * libraries. So a rule about such a call does not depend on an event of CPython, and what is judged
 * is what the call has done, or exactly its arguments.
 *
 * Not seen are calls that a library makes to itself, and system calls that native code makes
 * without these functions. The functions do not need the GIL. */
#ifndef SPYTHON_CALLS_H
#define SPYTHON_CALLS_H
#include <stdbool.h>

/* Marks a function that replaces that of another library. */
#define REPLACES __attribute__((visibility("default")))

/* Raises the event `python.NAME`, because a rule forbids a call. Returns true if the call must
 * fail. Returns false in the modes off and audit. Ends the process if a refusal does so. */
bool is_call_refused(const char *name, const char *detail, const char *why);

/* Finds the function of this name that the code at `caller` would call without spython. Returns
 * null if there is none. `own` is spython's function of this name, or null. */
void *find_function_for(void *caller, const char *name, const void *own);

/* Returns true if the code at `caller` belongs to the object that defines the function `name`, or
 * to none that the loader knows. */
bool is_of_object_with(void *caller, const char *name);

#endif
