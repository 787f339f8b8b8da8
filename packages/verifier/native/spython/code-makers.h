/* Judges what becomes code: text, syntax trees, marshalled code, and code objects that are put
 * together. */
#ifndef SPYTHON_CODE_MAKERS_H
#define SPYTHON_CODE_MAKERS_H
#include "spython.h"

/* Returns true if text and all else that becomes code has to be of signed files. */
bool is_judged(void);

/* Tells why marshalled code is refused. */
extern const char UNSIGNED_CODE[];

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
