/* Keeps the built-in functions that run, for each thread. */
#define _GNU_SOURCE
#include "making.h"
#include <frameobject.h>
#include <stdlib.h>

static _Thread_local struct making *latest; /* that has begun in this thread, or null */

/* No frame calls a function that a thread begins with. But CPython gives none either if it lacks
 * memory for it, so then everything is judged. */
struct making *begin_making(enum maker maker)
{
	struct making *making = malloc(sizeof *making);
	if (making == NULL) {
		PyErr_NoMemory();
		return NULL;
	}
	const PyFrameObject *frame = PyEval_GetFrame();
	*making = (struct making){.before = latest,
		.maker = frame == NULL ? COMPILER : maker,
		.thread = PyThreadState_Get(),
		.frame = frame};
	latest = making;
	return making;
}

void forget_making(struct making *making)
{
	struct making **link = &latest;
	while (*link != making)
		link = &(*link)->before;
	*link = making->before;
	free(making->allowed_text);
	free(making);
}

PyObject *end_making(struct making *making, PyObject *result)
{
	const enum maker maker = making->maker;
	const enum caller file = making->file;
	forget_making(making);
	if (result == NULL || !PyCode_Check(result))
		return result;
	if (maker == PARSER)
		PyErr_SetString(PyExc_SystemError, "code was made where none was asked for");
	else if (note_callers(result, file))
		return result;
	Py_DECREF(result);
	return NULL;
}

/* exec() runs the code that it has
 * made: native code that this code calls is asked for nothing by exec(). One without a frame may be
 * any. */
struct making *making_now(void)
{
	const PyThreadState *thread = PyThreadState_Get();
	const PyFrameObject *frame = PyEval_GetFrame();
	struct making *frameless = NULL;
	for (struct making *each = latest; each != NULL; each = each->before) {
		if (each->thread == thread && each->frame == frame)
			return each;
		if (each->thread == thread && each->frame == NULL && frameless == NULL)
			frameless = each;
	}
	return frameless;
}

enum maker maker_now(void)
{
	const struct making *making = making_now();
	return making == NULL ? NO_MAKER : making->maker;
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
