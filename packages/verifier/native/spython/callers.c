/* Knows the functions that may make code of text.
 *
 * Guarantees that a caller is genuine: its code object was made of the bytes of its file, which the
 * hook has judged, and is held, so that no other object gets its address. */
#include "origins.h"
#include "../shared/text/words.h"
#include <pthread.h>
#include <stdlib.h>

static struct held {
	const PyObject *code;
	enum caller caller;
} *list;
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool hold(PyObject *code, enum caller caller)
{
	pthread_mutex_lock(&lock);
	struct held *longer = realloc(list, (count + 1) * sizeof *list);
	if (longer != NULL) {
		list = longer;
		list[count++] = (struct held){code, caller};
		Py_INCREF(code);
	}
	pthread_mutex_unlock(&lock);
	if (longer == NULL)
		PyErr_NoMemory();
	return longer != NULL;
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
	if (file == NAMED_CALLER)
		return true;
	const char *name = PyUnicode_AsUTF8(code->co_name);
	if (name == NULL)
		PyErr_Clear();
	return name != NULL && word_index(name, NAMES[file]) >= 0;
}

bool note_callers(PyObject *code, enum caller file)
{
	/* Held code outlives its interpreter, so none is held that nothing depends on. */
	if (rules.python_code != STRING_CODE_SIGNED || file == NO_CALLER || !PyCode_Check(code))
		return true;
	const PyCodeObject *own = (PyCodeObject *)code;
	if (is_caller(own, file) && !hold(code, file))
		return false;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own->co_consts); i++) {
		if (!note_callers(PyTuple_GET_ITEM(own->co_consts, i), file))
			return false;
	}
	return true;
}

enum caller caller_of(const PyObject *code)
{
	enum caller caller = NO_CALLER;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && caller == NO_CALLER; i++) {
		if (list[i].code == code)
			caller = list[i].caller;
	}
	pthread_mutex_unlock(&lock);
	return caller;
}
