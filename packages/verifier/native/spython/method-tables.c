/* Exchanges functions in the method tables of CPython, which no program reaches.
 *
 * Guarantees that a function is replaced only by one that is called in the same way. */
#define _GNU_SOURCE
#include "method-tables.h"

/* Returns false with an exception if the method is called in another way. */
static bool replace_method(PyMethodDef *method, const struct replacement *by)
{
	PyCFunction function = NULL;
	switch (method->ml_flags & (METH_O | METH_FASTCALL | METH_KEYWORDS | METH_VARARGS)) {
	case METH_O:
		function = by->one;
		break;
	case METH_FASTCALL:
		function = (PyCFunction)(void (*)(void))by->fast;
		break;
	case METH_FASTCALL | METH_KEYWORDS:
		function = (PyCFunction)(void (*)(void))by->named;
		break;
	case METH_VARARGS | METH_KEYWORDS:
		function = (PyCFunction)(void (*)(void))by->variable;
		break;
	}
	if (function == NULL) {
		PyErr_Format(PyExc_SystemError, "spython does not know this %s()", method->ml_name);
		return false;
	}
	*by->original = method->ml_meth;
	method->ml_meth = function;
	return true;
}

bool replace_function(const char *module, const char *name, const struct replacement *by)
{
	bool is_replaced = false;
	PyObject *imported = PyImport_ImportModule(module);
	PyObject *function = imported == NULL ? NULL : PyObject_GetAttrString(imported, name);
	if (function != NULL && PyCFunction_Check(function))
		is_replaced = replace_method(((PyCFunctionObject *)function)->m_ml, by);
	Py_XDECREF(function);
	Py_XDECREF(imported);
	return is_replaced;
}

bool replace_code_method(const char *name, const struct replacement *by)
{
	bool is_replaced = false;
	PyObject *method = PyObject_GetAttrString((PyObject *)&PyCode_Type, name);
	if (method != NULL && Py_TYPE(method) == &PyMethodDescr_Type)
		is_replaced = replace_method(((PyMethodDescrObject *)method)->d_method, by);
	Py_XDECREF(method);
	return is_replaced;
}
