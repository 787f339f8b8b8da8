/* Keeps the announcements of each thread. */
#define _GNU_SOURCE
#include "making.h"
#include <frameobject.h>
#include <stdlib.h>

struct making {
	struct making *before; /* the one that began before, or null */
	const PyThreadState *thread; /* a subinterpreter has another one in the same thread */
	const PyFrameObject *frame; /* the one that calls spython's function, or null */
	PyObject *source;
	bool is_recorded; /* spython has recorded it */
	bool is_raised; /* the event was raised */
	bool collects; /* the collector of garbage has to run again afterwards */
};

static _Thread_local struct making *latest; /* that has begun in this thread, or null */

/* The collector of garbage runs in the midst of C only before 3.12. */

#if PY_VERSION_HEX >= 0x030C0000
static bool stop_collector(void)
{
	return false;
}

static void start_collector(void)
{
}
#elif PY_VERSION_HEX >= 0x030A0000
static bool stop_collector(void)
{
	return PyGC_Disable() != 0;
}

static void start_collector(void)
{
	PyGC_Enable();
}
#else
/* These releases have no function of C for it, but those of the module `gc`. */
static PyObject *call_collector(const char *name)
{
	static PyCFunction functions[3];
	static const char *const NAMES[] = {"isenabled", "disable", "enable"};
	size_t at = 0;
	while (strcmp(NAMES[at], name) != 0)
		at++;
	if (functions[at] == NULL) {
		/* The first call comes before the program runs. */
		PyObject *gc = PyImport_ImportModule("gc");
		PyObject *function = gc == NULL ? NULL : PyObject_GetAttrString(gc, name);
		if (function == NULL || !PyCFunction_Check(function))
			Py_FatalError("spython does not know the module gc");
		functions[at] = PyCFunction_GET_FUNCTION(function);
		Py_DECREF(function);
		Py_DECREF(gc);
	}
	return functions[at](NULL, NULL);
}

static bool stop_collector(void)
{
	PyObject *is_enabled = call_collector("isenabled");
	const bool collects = is_enabled == Py_True;
	Py_XDECREF(is_enabled);
	Py_XDECREF(call_collector("disable"));
	return collects;
}

static void start_collector(void)
{
	Py_XDECREF(call_collector("enable"));
}
#endif

static void collect_again(struct making *making)
{
	if (making->collects)
		start_collector();
	making->collects = false;
}

struct making *begin_making(PyObject *source, bool is_recorded)
{
	struct making *making = malloc(sizeof *making);
	if (making == NULL) {
		PyErr_NoMemory();
		return NULL;
	}
	*making = (struct making){.before = latest,
		.thread = PyThreadState_Get(),
		.frame = PyEval_GetFrame(),
		.source = source,
		.is_recorded = is_recorded,
		.collects = stop_collector()};
	Py_INCREF(source);
	latest = making;
	return making;
}

void end_making(struct making *making)
{
	struct making **link = &latest;
	while (*link != making)
		link = &(*link)->before;
	*link = making->before;
	collect_again(making);
	Py_DECREF(making->source);
	free(making);
}

static bool is_same(PyObject *one, PyObject *other)
{
	if (one == other)
		return true;
	if (!PyBytes_CheckExact(one) || !PyBytes_CheckExact(other))
		return false;
	const size_t size = (size_t)PyBytes_GET_SIZE(one);
	return (size_t)PyBytes_GET_SIZE(other) == size &&
		memcmp(PyBytes_AS_STRING(one), PyBytes_AS_STRING(other), size) == 0;
}

#if PY_VERSION_HEX < 0x03090000
/* Only 3.8 raises an event for each expression in an f-string, while it compiles the text around
 * it, and puts it in parentheses. */
static bool is_part(const struct making *making, PyObject *source, PyObject *file_name)
{
	if (!making->is_raised || making->frame != PyEval_GetFrame() ||
		!PyBytes_CheckExact(making->source) || !PyBytes_CheckExact(source) ||
		PyBytes_GET_SIZE(source) < 2 || !PyUnicode_Check(file_name) ||
		PyUnicode_CompareWithASCIIString(file_name, "<fstring>") != 0)
		return false;
	return memmem(PyBytes_AS_STRING(making->source), (size_t)PyBytes_GET_SIZE(making->source),
			   PyBytes_AS_STRING(source) + 1, (size_t)PyBytes_GET_SIZE(source) - 2) != NULL;
}
#else
static bool is_part(const struct making *Py_UNUSED(making), PyObject *Py_UNUSED(source),
	PyObject *Py_UNUSED(file_name))
{
	return false;
}
#endif

bool is_announced(PyObject *source, PyObject *file_name, bool *is_recorded)
{
	const PyThreadState *thread = PyThreadState_Get();
	for (struct making *each = latest; each != NULL; each = each->before) {
		if (each->thread != thread)
			continue;
		if (!each->is_raised && is_same(each->source, source)) {
			each->is_raised = true;
			*is_recorded = each->is_recorded;
			collect_again(each);
			return true;
		}
		*is_recorded = each->is_recorded;
		if (is_part(each, source, file_name))
			return true;
	}
	return false;
}

static _Thread_local struct {
	PyObject *const *arguments; /* null if none is announced */
	Py_ssize_t count;
} forged;

void begin_forged(PyObject *const *arguments, Py_ssize_t count)
{
	forged.arguments = arguments;
	forged.count = count;
}

void end_forged(void)
{
	forged.arguments = NULL;
}

bool is_forged(const char *event, PyObject *arguments)
{
	if (forged.arguments == NULL || arguments == NULL || !PyTuple_Check(arguments) ||
		PyTuple_GET_SIZE(arguments) != forged.count - 1)
		return false;
	for (Py_ssize_t i = 0; i < forged.count - 1; i++) {
		if (PyTuple_GET_ITEM(arguments, i) != forged.arguments[i + 1])
			return false;
	}
	const bool is_same_name = PyUnicode_Check(forged.arguments[0]) &&
		PyUnicode_CompareWithASCIIString(forged.arguments[0], event) == 0;
	if (is_same_name)
		end_forged();
	return is_same_name;
}

static bool is_in_place;

bool is_watching(void)
{
	return is_in_place;
}

void note_watching(void)
{
	is_in_place = true;
}
