/* Judges what becomes code: text, syntax trees, marshalled code, and code objects that are put
 * together. */
#ifndef SPYTHON_CODE_MAKERS_H
#define SPYTHON_CODE_MAKERS_H
#include "spython.h"

/* Puts functions of this program before the built-in functions that make code. Must be called
 * before the program runs; further calls do nothing. Returns false with an exception if CPython is
 * not as expected. */
bool watch_code_makers(void);

/* Judges text, or a syntax tree, that becomes code. Checks the event `compile`. */
int check_compile(const char *event, PyObject *arguments, const char *why);

/* Judges marshalled code that something else than marshal.loads() reads. Checks the event
 * `marshal.loads`. */
int check_marshalled(const char *event, PyObject *arguments, const char *why);

/* Returns true if a file of `imp` or `pkgutil` opens a file that becomes code (3.8 to 3.11). */
bool is_opened_by_imp(void);

/* Returns true if this native code of CPython makes code objects that nothing can judge. */
bool makes_code_unseen(const char *path);

#endif
