/* Announces what spython's functions let CPython make code of, so that the audit event that CPython
 * raises for it can be told from all others. */
#ifndef SPYTHON_MAKING_H
#define SPYTHON_MAKING_H
#include "spython.h"

/* An announcement. Announcements of a thread end in any order where something switches stacks, as
 * greenlet does. */
struct making;

/* Announces one event of this thread for exactly this source: text, marshalled code or a syntax
 * tree. The source is an exact bytes object, or a tree. From here to the event nothing of the
 * program runs, not even by the collector of garbage. `is_recorded` is true if spython has recorded
 * it. The result must be passed to end_making(). Returns null with an exception if memory is
 * lacking. */
struct making *begin_making(PyObject *source, bool is_recorded);
void end_making(struct making *making);

/* Returns true if the event that is raised now for `source` was announced. It counts once.
 * `is_recorded` receives what was announced. */
bool is_announced(PyObject *source, PyObject *file_name, bool *is_recorded);

/* Announces the event that a program raises by sys.audit(), until it was seen. */
void begin_forged(PyObject *const *arguments, Py_ssize_t count);
void end_forged(void);

/* Returns true if the event is the one that a program raises by sys.audit(). It counts once. */
bool is_forged(const char *event, PyObject *arguments);

/* Returns true once the functions of built-ins.c stand before those of CPython. What is made
 * earlier comes from the interpreter's program itself. */
bool is_watching(void);
void note_watching(void);

#endif
