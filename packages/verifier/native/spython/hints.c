/* Says what mends an exception that ended the program, where CPython's own words do not. Decides
 * nothing: the program has ended. */
#include "spython.h"
#include <stdbool.h>

/* Returns an attribute of `object`, whose reference is released. Returns null without an exception
 * if `object` is null or has no such attribute. */
static PyObject *take_attribute(PyObject *object, const char *name)
{
	PyObject *value = object == NULL ? NULL : PyObject_GetAttrString(object, name);
	Py_XDECREF(object);
	PyErr_Clear();
	return value;
}

/* Returns true if the innermost line of the traceback lies in this file of the library. */
static bool ends_in(PyObject *traceback, const char *file)
{
	PyObject *innermost = traceback;
	Py_INCREF(innermost);
	for (;;) {
		PyObject *next = PyObject_GetAttrString(innermost, "tb_next");
		if (next == NULL || next == Py_None) {
			Py_XDECREF(next);
			break;
		}
		Py_DECREF(innermost);
		innermost = next;
	}
	PyErr_Clear();
	PyObject *code = take_attribute(take_attribute(innermost, "tb_frame"), "f_code");
	PyObject *name = take_attribute(code, "co_filename");
	const char *text = name != NULL && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
	const size_t length = text == NULL ? 0 : strlen(text);
	const size_t tail = strlen(file);
	const bool is_there = length >= tail && strcmp(text + length - tail, file) == 0;
	Py_XDECREF(name);
	PyErr_Clear();
	return is_there;
}

void give_hint(void)
{
	PyObject *error = PySys_GetObject("last_value");
	PyObject *traceback = PySys_GetObject("last_traceback");
	if (error == NULL || traceback == NULL || !PyTraceBack_Check(traceback))
		return;
	const bool is_denied = PyErr_GivenExceptionMatches(error, PyExc_PermissionError) != 0;
	if (rules.launched && is_denied && ends_in(traceback, "/multiprocessing/synchronize.py"))
		dprintf(STDERR_FILENO,
			"spython: multiprocessing keeps its semaphores in /dev/shm; start with --write "
			"/dev/shm, "
			"or put it into launch.write of the policy\n");
}
