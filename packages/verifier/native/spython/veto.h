/* The refusal of what an audit event announces. */
#ifndef SPYTHON_VETO_H
#define SPYTHON_VETO_H
#include "spython.h"

/* The results of judging an event. */
enum {
	REFUSED_EVENT = -1, /* an exception is set */
	NO_OBJECTION = 0, /* the event is recorded if it is selected */
	RECORDED = 1, /* it was recorded */
};

/* Returns an argument of an event as a borrowed reference, or None if there is none: a program can
 * raise any event with any arguments. */
PyObject *argument_of(PyObject *arguments, Py_ssize_t at);

/* Raises the event `python.NAME`. Arguments for which there is no room are cut off. */
void record(const char *event, enum verdict verdict, PyObject *arguments);

/* Refuses an event: records it and raises PermissionError, or ends the process if `ends` is true.
 * The modes off and audit only record it. `why` is the reason, and may be null for events of
 * `cpython`. */
int veto_and(bool ends, const char *event, PyObject *arguments, const char *why);

/* Refuses what would run code that nobody verified. The rules say if that ends the process. */
int veto(const char *event, PyObject *arguments, const char *why);

#endif
