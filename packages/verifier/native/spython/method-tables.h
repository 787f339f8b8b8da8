/* The method tables of CPython, in which each built-in function has its address. */
#ifndef SPYTHON_METHOD_TABLES_H
#define SPYTHON_METHOD_TABLES_H
#include "spython.h"

typedef PyObject *fast_function(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *named_function(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

/* The functions that take a method's place, by the way in which it is called. */
struct replacement {
	PyCFunction *original;
	PyCFunction one; /* METH_O */
	fast_function *fast; /* METH_FASTCALL */
	named_function *named; /* METH_FASTCALL | METH_KEYWORDS */
	PyCFunctionWithKeywords variable; /* METH_VARARGS | METH_KEYWORDS */
};

/* Replaces a function of a module, in every interpreter of the process, because all of them use the
 * same table. Returns false if there is no such function, or if it is called in another way: then
 * possibly with an exception. */
bool replace_function(const char *module, const char *name, const struct replacement *by);

/* Replaces a method of the type of code objects. Returns like replace_function(). */
bool replace_code_method(const char *name, const struct replacement *by);

#endif
