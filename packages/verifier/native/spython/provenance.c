/* Marks code objects in the data that CPython keeps with each one for native code (PEP 523).
 *
 * Guarantees that a mark is that of this very code object: copies made by replace() or marshal have
 * none, unless they are marked again. */
#define _GNU_SOURCE
#include "provenance.h"
#include <dlfcn.h>
#include "../shared/text/words.h"

#if PY_VERSION_HEX >= 0x030C0000
#define SET_EXTRA PyUnstable_Code_SetExtra
#define GET_EXTRA PyUnstable_Code_GetExtra
#define REQUEST_INDEX PyUnstable_Eval_RequestCodeExtraIndex
#else
#define SET_EXTRA _PyCode_SetExtra
#define GET_EXTRA _PyCode_GetExtra
#define REQUEST_INDEX _PyEval_RequestCodeExtraIndex
#endif

/* The index of the mark. Each interpreter gives spython its first one, because code is made before
 * other native code runs there. */
enum { OWN_INDEX = 0, CALLER_SHIFT = 4 };

static bool set_mark(PyObject *code, uintptr_t mark)
{
	if (SET_EXTRA(code, OWN_INDEX, (void *)mark) == 0)
		return true;
	/* The interpreter is new. */
	if (!PyErr_ExceptionMatches(PyExc_SystemError))
		return false;
	PyErr_Clear();
	if (REQUEST_INDEX(NULL) == OWN_INDEX)
		return SET_EXTRA(code, OWN_INDEX, (void *)mark) == 0;
	PyErr_SetString(PyExc_SystemError, "spython cannot mark code");
	return false;
}

static uintptr_t mark_of(PyObject *code)
{
	void *mark = NULL;
	if (!PyCode_Check(code) || GET_EXTRA(code, OWN_INDEX, &mark) != 0)
		PyErr_Clear();
	return (uintptr_t)mark;
}

/* Returns true if the code object lies in the interpreter's program. In 3.11 and 3.12 that of a
 * frozen module does. All interpreters share it, so it is not marked. */
static bool is_frozen(PyObject *code)
{
	Dl_info info;
	return (PY_MINOR_VERSION == 11 || PY_MINOR_VERSION == 12) && dladdr(code, &info) != 0;
}

/* Returns true if the function with this code is one that makes code of text. */
static bool is_caller(const PyCodeObject *code, enum caller file)
{
	static const char *const NAMES[] = {
		[NAMEDTUPLE] = "namedtuple",
		[FORWARD_REF] = "__init__",
		[DATACLASS] = "_create_fn add_fns_to_class", /* the second since 3.13 */
		[SIGNATURE] = "wrap_value",
	};
	if (file == NO_CALLER || file == NAMED_CALLER)
		return file == NAMED_CALLER;
	const char *name = PyUnicode_AsUTF8(code->co_name);
	if (name == NULL)
		PyErr_Clear();
	return name != NULL && word_index(name, NAMES[file]) >= 0;
}

bool mark_code(PyObject *code, enum provenance provenance, enum caller caller)
{
	const PyCodeObject *own = (PyCodeObject *)code;
	uintptr_t mark = provenance;
	if (provenance == OF_FILE && is_caller(own, caller))
		mark |= (uintptr_t)caller << CALLER_SHIFT;
	if (!set_mark(code, mark))
		return false;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own->co_consts); i++) {
		PyObject *constant = PyTuple_GET_ITEM(own->co_consts, i);
		if (PyCode_Check(constant) && !mark_code(constant, provenance, caller))
			return false;
	}
	return true;
}

enum provenance provenance_of(PyObject *code)
{
	const uintptr_t mark = mark_of(code);
	if (mark == 0 && is_frozen(code))
		return OF_FILE;
	return (enum provenance)(mark & ((1u << CALLER_SHIFT) - 1));
}

enum caller caller_of(PyObject *code)
{
	return (enum caller)(mark_of(code) >> CALLER_SHIFT);
}
