/* Lets nothing run once CPython has freed the audit hooks. What a program has put into the members
 * of static types is released only afterwards, since 3.11. */
#include "end.h"
#include "veto.h"
#include <stdatomic.h>

static atomic_bool has_ended;

bool is_refused_at_end(const char *name, PyObject *subject)
{
	if (!atomic_load(&has_ended))
		return false;
	PyObject *arguments = Py_BuildValue("(sO)", name, subject);
	if (arguments == NULL)
		return true;
	const int answer = veto("end", arguments, "Python has ended");
	Py_DECREF(arguments);
	return answer == REFUSED_EVENT;
}

#if PY_VERSION_HEX >= 0x03090000
#if PY_VERSION_HEX >= 0x030B0000
typedef struct _PyInterpreterFrame frame;
#else
typedef PyFrameObject frame;
#endif

/* Takes the place of what runs the functions of Python, also those that native code makes. */
static PyObject *run_no_frame(
	PyThreadState *Py_UNUSED(thread), frame *Py_UNUSED(frame), int Py_UNUSED(throws))
{
	if (!is_refused_at_end("function", Py_None))
		PyErr_SetString(PyExc_SystemError, "Python has ended");
	return NULL;
}

static void stop_functions(void)
{
	PyInterpreterState *each = PyInterpreterState_Head();
	for (; each != NULL; each = PyInterpreterState_Next(each))
		_PyInterpreterState_SetEvalFrameFunc(each, run_no_frame);
}
#else
/* 3.8 releases no objects of a program that late. */
static void stop_functions(void)
{
}
#endif

void note_end(void)
{
	atomic_store(&has_ended, true);
	if (rules.mode >= MODE_ENFORCE)
		stop_functions();
}
