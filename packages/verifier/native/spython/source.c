/* Makes exact objects of what a program gives to compile(), exec() and eval(). Whatever a value
 * does when it is converted, it does here, before anything is judged. */
#include "source.h"

PyObject *bytes_of_buffer(PyObject *buffer)
{
	Py_buffer view;
	if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) != 0)
		return NULL;
	PyObject *copy = PyBytes_FromStringAndSize(view.buf, view.len);
	PyBuffer_Release(&view);
	return copy;
}

bool take_source(PyObject *given, struct source *source)
{
	*source = (struct source){NULL, NULL};
	if (PyUnicode_Check(given)) {
		source->exact = PyUnicode_FromObject(given);
		if (source->exact != NULL)
			source->bytes = PyUnicode_AsUTF8String(source->exact);
	} else if (PyObject_CheckBuffer(given)) {
		source->exact = bytes_of_buffer(given);
		source->bytes = source->exact;
		Py_XINCREF(source->bytes);
	} else {
		source->exact = given;
		Py_INCREF(given);
		return true;
	}
	if (source->bytes != NULL)
		return true;
	release_source(source);
	return false;
}

void release_source(struct source *source)
{
	Py_XDECREF(source->exact);
	Py_XDECREF(source->bytes);
}

bool strip_source(struct source *source)
{
	const char *text = PyBytes_AS_STRING(source->bytes);
	const Py_ssize_t blanks = (Py_ssize_t)strspn(text, " \t");
	struct source stripped = {NULL, NULL};
	if (blanks == 0)
		return true;
	stripped.bytes =
		PyBytes_FromStringAndSize(text + blanks, PyBytes_GET_SIZE(source->bytes) - blanks);
	if (PyUnicode_Check(source->exact)) {
		stripped.exact =
			PyUnicode_Substring(source->exact, blanks, PyUnicode_GET_LENGTH(source->exact));
	} else {
		stripped.exact = stripped.bytes;
		Py_XINCREF(stripped.bytes);
	}
	release_source(source);
	*source = stripped;
	return stripped.bytes != NULL && stripped.exact != NULL;
}

static const char *const NAMES[COMPILE_VALUES] = {
	"source", "filename", "mode", "flags", "dont_inherit", "optimize", "_feature_version"};

bool sort_arguments(
	PyObject *const *arguments, Py_ssize_t count, PyObject *names, PyObject *given[COMPILE_VALUES])
{
	if (count > COMPILE_POSITIONAL)
		return false;
	for (Py_ssize_t i = 0; i < COMPILE_VALUES; i++)
		given[i] = i < count ? arguments[i] : NULL;
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
		PyObject *name = PyTuple_GET_ITEM(names, i);
		int at = 0;
		while (at < COMPILE_VALUES && PyUnicode_CompareWithASCIIString(name, NAMES[at]) != 0)
			at++;
		if (at == COMPILE_VALUES || given[at] != NULL)
			return false;
		given[at] = arguments[count + i];
	}
	return given[COMPILE_SOURCE] != NULL && given[COMPILE_FILE_NAME] != NULL &&
		given[COMPILE_MODE] != NULL;
}

static PyObject *exact_text(PyObject *text)
{
	if (PyUnicode_Check(text))
		return PyUnicode_FromObject(text);
	PyErr_Format(PyExc_TypeError, "compile() argument 'mode' must be str, not %.200s",
		Py_TYPE(text)->tp_name);
	return NULL;
}

static PyObject *exact_name(PyObject *given)
{
	PyObject *decoded;
	if (!PyUnicode_FSDecoder(given, &decoded))
		return NULL;
	PyObject *exact = PyUnicode_FromObject(decoded);
	Py_DECREF(decoded);
	return exact;
}

static PyObject *exact_number(PyObject *given, long otherwise)
{
	if (given == NULL)
		return PyLong_FromLong(otherwise);
	PyObject *number = PyNumber_Index(given);
	if (number == NULL)
		return NULL;
	const long value = PyLong_AsLong(number);
	Py_DECREF(number);
	return value == -1 && PyErr_Occurred() ? NULL : PyLong_FromLong(value);
}

/* Since 3.12 this argument may be any object. */
static PyObject *exact_truth(PyObject *given)
{
	if (given == NULL || PY_MINOR_VERSION < 12)
		return exact_number(given, 0);
	const int is_true = PyObject_IsTrue(given);
	return is_true < 0 ? NULL : PyBool_FromLong(is_true);
}

bool make_exact(
	PyObject *const given[COMPILE_VALUES], PyObject *source, PyObject *exact[COMPILE_VALUES])
{
	for (int i = 0; i < COMPILE_VALUES; i++)
		exact[i] = NULL;
	Py_INCREF(source);
	exact[COMPILE_SOURCE] = source;
	if ((exact[COMPILE_FILE_NAME] = exact_name(given[COMPILE_FILE_NAME])) != NULL &&
		(exact[COMPILE_MODE] = exact_text(given[COMPILE_MODE])) != NULL &&
		(exact[COMPILE_FLAGS] = exact_number(given[COMPILE_FLAGS], 0)) != NULL &&
		(exact[COMPILE_INHERITANCE] = exact_truth(given[COMPILE_INHERITANCE])) != NULL &&
		(exact[COMPILE_OPTIMIZATION] = exact_number(given[COMPILE_OPTIMIZATION], -1)) != NULL &&
		(exact[COMPILE_FEATURE] = exact_number(given[COMPILE_FEATURE], -1)) != NULL)
		return true;
	release_values(exact);
	return false;
}

void release_values(PyObject *exact[COMPILE_VALUES])
{
	for (int i = 0; i < COMPILE_VALUES; i++)
		Py_XDECREF(exact[i]);
}

bool wants_tree(PyObject *const exact[COMPILE_VALUES])
{
	const long flags = PyLong_AsLong(exact[COMPILE_FLAGS]);
	return flags != -1 && (flags & PyCF_ONLY_AST) != 0;
}

PyObject *names_for(PyObject *const given[COMPILE_VALUES])
{
	if (given[COMPILE_FEATURE] == NULL)
		return PyTuple_New(0);
	return Py_BuildValue("(s)", NAMES[COMPILE_FEATURE]);
}
