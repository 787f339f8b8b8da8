/* Records audit events, and refuses what they announce. */
#define _GNU_SOURCE
#include "veto.h"
#include <stdbool.h>

enum { MAX_DETAIL = 512 };

PyObject *argument_of(PyObject *arguments, Py_ssize_t at)
{
	if (arguments == NULL || !PyTuple_Check(arguments) || at >= PyTuple_GET_SIZE(arguments))
		return Py_None;
	return PyTuple_GET_ITEM(arguments, at);
}

/* Writes one argument to `to`: the value of text, bytes, whole numbers and None, the file of a code
 * object, and only the type of any other value. Calls no method of the value. But for a lone
 * surrogate outside of U+DC80 to U+DCFF CPython calls the registered error handler
 * `surrogateescape`, which a program can replace. Returns the length as snprintf(3) does. */
static size_t describe(PyObject *value, const char *separator, char *to, size_t room)
{
	const bool is_code = PyCode_Check(value);
	PyObject *shown = is_code ? ((PyCodeObject *)value)->co_filename : value;
	PyObject *text = NULL;
	PyObject *bytes = NULL;
	if (PyUnicode_CheckExact(shown) || PyLong_CheckExact(shown) || shown == Py_None)
		text = PyObject_Str(shown);
	if (text != NULL)
		bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
	const char *description = Py_TYPE(value)->tp_name;
	if (bytes != NULL)
		description = PyBytes_AS_STRING(bytes);
	else if (PyBytes_CheckExact(value))
		description = PyBytes_AS_STRING(value);
	const char *kind = is_code ? "code " : "";
	const int length = snprintf(to, room, "%s%s%s", separator, kind, description);
	Py_XDECREF(text);
	Py_XDECREF(bytes);
	PyErr_Clear();
	return (size_t)length;
}

enum { MAX_NAME = 128 };

/* Writes what the events of this project say of an event: its name and its arguments. */
static void describe_event(
	const char *event, PyObject *arguments, char name[MAX_NAME], char detail[MAX_DETAIL])
{
	Py_ssize_t count = 0;
	size_t length = 0;
	*detail = '\0';
	if (arguments != NULL && PyTuple_Check(arguments))
		count = PyTuple_GET_SIZE(arguments);
	for (Py_ssize_t i = 0; i < count && length < MAX_DETAIL - 8; i++) {
		const char *separator = i == 0 ? "" : ", ";
		length += describe(
			PyTuple_GET_ITEM(arguments, i), separator, detail + length, MAX_DETAIL - length);
	}
	snprintf(name, MAX_NAME, "python.%s", event);
}

void record(const char *event, enum verdict verdict, PyObject *arguments)
{
	char name[MAX_NAME];
	char detail[MAX_DETAIL];
	const char *reason = verdict == AUDIT ? "ERR_RUNTIME_RULE" : NULL;
	describe_event(event, arguments, name, detail);
	raise_event(name, verdict, "detail", detail, "reason", reason, NULL);
}

static void record_refusal(bool ends, const char *event, PyObject *arguments)
{
	char name[MAX_NAME];
	char detail[MAX_DETAIL];
	describe_event(event, arguments, name, detail);
	raise_refusal(ends, name, "detail", detail, "reason", "ERR_RUNTIME_RULE", NULL);
}

int veto_and(bool ends, const char *event, PyObject *arguments, const char *why)
{
	static const char CPYTHON[] = "cpython.";
	const size_t length = strlen(CPYTHON);
	if (rules.mode < MODE_ENFORCE) {
		record(event, AUDIT, arguments);
		return RECORDED;
	}
	record_refusal(ends, event, arguments);
	if (strncmp(event, CPYTHON, length) == 0)
		refuse_action(ends, "'%s' is disabled by policy", event + length);
	else
		refuse_action(ends, "Cannot go on with %s: %s (ERR_RUNTIME_RULE)", event, why);
	return REFUSED_EVENT;
}

int veto(const char *event, PyObject *arguments, const char *why)
{
	return veto_and(rules.exit_on_refusal, event, arguments, why);
}
