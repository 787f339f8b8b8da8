/* Reads the frames of the thread. A program can forge the name of a file in a code object. So names
 * decide only what is refused in addition; what is allowed depends on caller_of(). */
#include "calling-code.h"
#include <frameobject.h>

static const char IMPORTLIB[] = "<frozen importlib._bootstrap_external>";

/* Returns the code of a frame as a new reference, or null without an exception. */
static PyObject *code_of(PyFrameObject *frame)
{
	if (frame == NULL)
		return NULL;
#if PY_VERSION_HEX < 0x03090000
	PyObject *code = (PyObject *)frame->f_code;
	Py_INCREF(code);
	return code;
#else
	return (PyObject *)PyFrame_GetCode(frame);
#endif
}

enum caller caller_now(void)
{
	PyObject *code = code_of(PyEval_GetFrame());
	const enum caller caller = code == NULL ? NO_CALLER : caller_of(code);
	Py_XDECREF(code);
	return caller;
}

static bool is_same_text(PyObject *constant, const char *text, size_t length)
{
	Py_ssize_t size = 0;
	if (!PyUnicode_CheckExact(constant))
		return false;
	const char *content = PyUnicode_AsUTF8AndSize(constant, &size);
	PyErr_Clear(); /* a lone surrogate is no text */
	return content != NULL && (size_t)size == length && memcmp(content, text, length) == 0;
}

bool is_constant_of_function(const char *text, size_t length)
{
	PyObject *code = code_of(PyEval_GetFrame());
	const bool is_of_file = code != NULL && provenance_of(code) == OF_FILE;
	PyObject *constants = is_of_file ? ((PyCodeObject *)code)->co_consts : NULL;
	bool is_found = false;
	for (Py_ssize_t i = 0; constants != NULL && i < PyTuple_GET_SIZE(constants) && !is_found; i++)
		is_found = is_same_text(PyTuple_GET_ITEM(constants, i), text, length);
	Py_XDECREF(code);
	return is_found;
}

/* Returns true if the file of a frame's function ends like this. */
static bool is_in_file(PyFrameObject *frame, const char *end)
{
	PyObject *code = code_of(frame);
	const char *name = NULL;
	if (code != NULL)
		name = PyUnicode_AsUTF8(((PyCodeObject *)code)->co_filename);
	const size_t length = name == NULL ? 0 : strlen(name);
	const bool is_same = length >= strlen(end) && strcmp(name + length - strlen(end), end) == 0;
	PyErr_Clear();
	Py_XDECREF(code);
	return is_same;
}

bool is_importing_bytecode(void)
{
	return is_in_file(PyEval_GetFrame(), IMPORTLIB);
}

#if PY_VERSION_HEX < 0x030C0000
/* Returns the frame of the function that has called, as a borrowed reference, or null. */
static PyFrameObject *frame_before(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x03090000
	return frame->f_back;
#else
	PyFrameObject *before = PyFrame_GetBack(frame);
	Py_XDECREF(before); /* the running function holds it */
	return before;
#endif
}

bool is_called_by_imp(void)
{
	PyFrameObject *frame = PyEval_GetFrame();
	while (frame != NULL &&
		(is_in_file(frame, IMPORTLIB) || is_in_file(frame, "<frozen importlib._bootstrap>")))
		frame = frame_before(frame);
	return is_in_file(frame, "/python" SPYTHON_RELEASE "/imp.py") ||
		is_in_file(frame, "/python" SPYTHON_RELEASE "/pkgutil.py");
}
#else
bool is_called_by_imp(void)
{
	return false;
}
#endif
