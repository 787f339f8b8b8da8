/* The interfaces between the files of spython. trust/trust.h has those of the files that need no
 * Python.
 *
 * Guarantees that all data which decides what may run (`rules`, the trust index, the table of the
 * audit hook) is complete before Python starts and does not change afterwards. So threads and
 * subinterpreters read the data without locks. It contains no Python objects and is never freed. */
#ifndef SPYTHON_H
#define SPYTHON_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include "../trust/trust.h"

/* main.c */

/* Replaces the main() of CPython's own program, and returns the exit status. `arguments` is argv:
 * it has `argument_count` elements, then a null. */
int run_spython(int argument_count, char **arguments, char **environment_variables);

/* start-checks.c: what must be there before Python starts. Each ends the process otherwise. */

/* Requires a stack on which files can be judged. */
void require_stack(void);

/* Requires that the index names the library of Python, in the modes enforce and strict. */
void require_library(void);

/* hints.c */

/* Says on standard error how to mend the exception that PyErr_Print() printed last, if that is
 * known. */
void give_hint(void);

/* open-code.c */

/* The open-code hook of PEP 578. Returns a new io.BytesIO over the bytes that were judged, or null
 * with an exception. */
PyObject *open_code(PyObject *path, void *unused);

/* open-verified.c: reading and judging files. */

/* Opens and reads `path` once, judges the bytes that were read, and raises `event`. Returns exactly
 * these bytes as a new reference, or null with an exception. `use` is a field of the event. `real`
 * receives the real path, unless `real` is null. */
PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX]);

/* refusal.c: refusing. */

/* Raises PermissionError and returns -1, or ends the process if rules.exit_on_refusal is set. For
 * code that was judged. The caller must raise the event before. */
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does the same for an action after which nothing unverified runs, and which a program may try
 * without harm. Ends the process only if `ends` is true. */
int refuse_action(bool ends, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* native-code.c: judging libraries. */

/* Judges native code that this thread is about to load by `path` with dlopen(3), and the libraries
 * that it is linked to. Raises their events. Keeps sealed copies of them for that call. Returns 0,
 * or -1 with an exception if a library is refused. */
int prepare_library(const char *path);

/* Returns why native code with this name is refused before it is read, or null. `is_searched` is
 * true if the system's loader would search for the file, so that its path is unknown. */
const char *objection_to_name(const char *name, bool is_searched);

/* Begins to judge what is loaded by dlopen(3). `rules` must be complete. */
void guard_libraries(void);

/* variables.c */

/* In mode strict leaves in `environ` only the variables that the launcher would let pass, and tells
 * of the others. Must be called before Python starts. */
void restrict_variables(void);

/* audit.c: the audit hook. */

/* Fills the table of events that the audit hook uses. `rules` must be complete. */
void prepare_audit(void);

/* The audit hook of PEP 578. Returns 0, or -1 with an exception that stops the announced action. */
int on_audit(const char *event, PyObject *arguments, void *unused);

#endif
