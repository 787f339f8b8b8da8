/* Refuses what was judged: raises PermissionError, or ends the process.
 *
 * Guarantees that a message is one line without control characters, whatever the names of files in
 * it contain, so that no name can forge a line among those on standard error. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/process/complain.h"
#include "../shared/text/escape.h"
#include <frameobject.h>
#include <stdbool.h>

/* Threads have little stack, so a longer message is cut. */
enum { MAX_MESSAGE = PATH_MAX + 2048, MAX_PLACE = PATH_MAX + 64 };

#if PY_VERSION_HEX < 0x03090000
static PyFrameObject *frame_before(PyFrameObject *frame)
{
	Py_XINCREF(frame->f_back);
	return frame->f_back;
}

static PyObject *code_of(PyFrameObject *frame)
{
	Py_INCREF(frame->f_code);
	return (PyObject *)frame->f_code;
}
#else
static PyFrameObject *frame_before(PyFrameObject *frame)
{
	return PyFrame_GetBack(frame);
}

static PyObject *code_of(PyFrameObject *frame)
{
	return (PyObject *)PyFrame_GetCode(frame);
}
#endif

/* Returns true for a frozen module, and for a file of the standard library. */
static bool is_of_library(const char *file)
{
	static const char LIBRARY[] = SPYTHON_HOME "/lib/python" SPYTHON_RELEASE "/";
	static const char PACKAGES[] = "site-packages/";
	if (strncmp(file, "<frozen ", strlen("<frozen ")) == 0)
		return true;
	if (strncmp(file, LIBRARY, strlen(LIBRARY)) != 0)
		return false;
	return strncmp(file + strlen(LIBRARY), PACKAGES, strlen(PACKAGES)) != 0;
}

/* Writes `, at FILE:LINE` if the frame runs code of the program. Returns false, and writes nothing,
 * if it runs code of the library, or its file has no name. */
static bool write_place(PyFrameObject *frame, char *to, size_t room)
{
	PyObject *code = code_of(frame);
	PyObject *name = ((PyCodeObject *)code)->co_filename;
	PyObject *bytes = NULL;
	bool is_written = false;
	if (name != NULL && PyUnicode_CheckExact(name))
		bytes = PyUnicode_AsEncodedString(name, "utf-8", "replace");
	if (bytes != NULL && !is_of_library(PyBytes_AS_STRING(bytes))) {
		snprintf(to, room, ", at %s:%d", PyBytes_AS_STRING(bytes), PyFrame_GetLineNumber(frame));
		is_written = true;
	}
	PyErr_Clear();
	Py_XDECREF(bytes);
	Py_DECREF(code);
	return is_written;
}

/* Writes which line of the program led here: `, at FILE:LINE`, or nothing if there is no such line.
 * Lines of the standard library do not count, because each import and each child comes from one. */
static void write_caller(char *to, size_t room)
{
	PyFrameObject *frame = PyEval_GetFrame();
	*to = '\0';
	Py_XINCREF(frame);
	while (frame != NULL && !write_place(frame, to, room)) {
		PyFrameObject *before = frame_before(frame);
		Py_DECREF(frame);
		frame = before;
	}
	Py_XDECREF(frame);
}

/* Ends the process with the status REFUSED and a last message. */
__attribute__((format(printf, 1, 2))) static _Noreturn void end_process(const char *format, ...)
{
	va_list values;
	finish_events();
	va_start(values, format);
	complain(REFUSED, program.name, format, values);
}

/* Ends the process, and says which line of the program led here. */
static _Noreturn void end_with(const char *message)
{
	char caller[MAX_PLACE];
	write_caller(caller, sizeof caller);
	end_process("%s%s", message, caller);
}

static int refuse_with(bool ends, const char *format, va_list values)
{
	char message[MAX_MESSAGE];
	char plain[MAX_MESSAGE];
	vsnprintf(message, sizeof message, format, values);
	escape_controls(message, plain, sizeof plain);
	if (ends)
		end_with(plain);
	PyErr_Format(PyExc_PermissionError, "%s", plain);
	return -1;
}

int refuse(const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int answer = refuse_with(rules.exit_on_refusal, format, values);
	va_end(values);
	return answer;
}

int refuse_action(bool ends, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int answer = refuse_with(ends, format, values);
	va_end(values);
	return answer;
}
