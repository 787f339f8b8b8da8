/* Contains the open-code hook (PEP 578), by which Python opens every file of code. open-verified.c
 * reads and judges the file. */
#include "spython.h"
#include "kept.h"
#include "built-ins.h"

/* Returns io.BytesIO as a new reference, or null with an exception. The main interpreter keeps the
 * type when it opens its first file: no program runs yet that could have exchanged it. In other
 * interpreters nothing is kept beyond their end, so the type has to have the same methods, which no
 * type that a program makes has. */
static PyObject *bytes_io(void)
{
	static const char KEY[] = "io.BytesIO";
	static const PyMethodDef *methods;
	PyObject *type = kept_object(KEY);
	if (type != NULL) {
		Py_INCREF(type);
		return type;
	}
	PyObject *io = PyImport_ImportModule("_io");
	if (io != NULL)
		type = PyObject_GetAttrString(io, "BytesIO");
	Py_XDECREF(io);
	if (type == NULL)
		return NULL;
	/* The first type is genuine, because nothing has run yet. */
	const bool is_first = methods == NULL;
	if (is_first)
		methods = ((PyTypeObject *)type)->tp_methods;
	const bool is_genuine = PyType_Check(type) && ((PyTypeObject *)type)->tp_methods == methods;
	if (!is_genuine)
		PyErr_SetString(PyExc_SystemError, "io.BytesIO was exchanged");
	if (is_genuine && (!is_first || keep_object(KEY, type)))
		return type;
	Py_DECREF(type);
	return NULL;
}

PyObject *open_code(PyObject *path, void *Py_UNUSED(data))
{
	PyObject *file = NULL;
	PyObject *name;
	PyObject *type = bytes_io();
	if (type == NULL || !watch_code_makers() || !PyUnicode_FSConverter(path, &name)) {
		Py_XDECREF(type);
		return NULL;
	}
	PyObject *bytes = open_verified(PyBytes_AS_STRING(name), "module.open_code", "module", NULL);
	if (bytes != NULL)
		file = PyObject_CallFunctionObjArgs(type, bytes, NULL);
	Py_XDECREF(bytes);
	Py_DECREF(name);
	Py_DECREF(type);
	return file;
}
