/* The end of the process, from which on CPython raises no events. */
#ifndef SPYTHON_END_H
#define SPYTHON_END_H
#include "spython.h"

/* Notes that CPython frees the audit hooks, which it does when modules and threads are gone. From
 * then on no function of Python runs. */
void note_end(void);

/* Refuses what the function `name` would make or run after that, of `subject`, with the event
 * `python.end`. Returns false if it is not refused, else true with an exception. */
bool is_refused_at_end(const char *name, PyObject *subject);

#endif
