/* Takes the arguments of compile(), exec() and eval() as exact objects, which run nothing of the
 * program when CPython uses them. */
#ifndef SPYTHON_SOURCE_H
#define SPYTHON_SOURCE_H
#include "spython.h"

/* The arguments of compile(), in their order. The last has only a name. */
enum {
	COMPILE_SOURCE,
	COMPILE_FILE_NAME,
	COMPILE_MODE,
	COMPILE_FLAGS,
	COMPILE_INHERITANCE,
	COMPILE_OPTIMIZATION,
	COMPILE_POSITIONAL,
	COMPILE_FEATURE = COMPILE_POSITIONAL,
	COMPILE_VALUES,
};

/* A source of code. */
struct source {
	PyObject *exact; /* str or bytes; any other object as it is */
	PyObject *bytes; /* the text in UTF-8, or null if it is no text */
};

/* Returns a copy of a buffer, which nobody can change after it was judged. Returns null with an
 * exception. */
PyObject *bytes_of_buffer(PyObject *buffer);

/* Takes a source, which release_source() releases. Returns false with an exception. */
bool take_source(PyObject *given, struct source *source);
void release_source(struct source *source);

/* Removes the blanks that eval() skips. Returns false with an exception. */
bool strip_source(struct source *source);

/* Sorts the arguments of compile() by their meaning, null for those that are not given. Returns
 * false, without an exception, if CPython would refuse them. */
bool sort_arguments(
	PyObject *const *arguments, Py_ssize_t count, PyObject *names, PyObject *given[COMPILE_VALUES]);

/* Makes exact values of the sorted ones, with `source` as the first. release_values() releases
 * them. Returns false with an exception. */
bool make_exact(
	PyObject *const given[COMPILE_VALUES], PyObject *source, PyObject *exact[COMPILE_VALUES]);
void release_values(PyObject *exact[COMPILE_VALUES]);

/* Returns true if exact values ask for a syntax tree instead of code. */
bool wants_tree(PyObject *const exact[COMPILE_VALUES]);

/* Returns a new tuple with the names of the given values that have no place. */
PyObject *names_for(PyObject *const given[COMPILE_VALUES]);

#endif
