/* Keeps objects in a list of C. Guarantees that an interpreter gets only what it has put there
 * itself: the number of an interpreter is never used again. */
#include "kept.h"
#include <pthread.h>
#include <stdlib.h>

static struct kept {
	int64_t interpreter;
	char *key;
	PyObject *object;
} *list;
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* interpreters may have a lock each */

static int64_t own_number(void)
{
	return PyInterpreterState_GetID(PyThreadState_Get()->interp);
}

static bool append(const struct kept *kept)
{
	pthread_mutex_lock(&lock);
	struct kept *longer = realloc(list, (count + 1) * sizeof *list);
	if (longer != NULL) {
		longer[count] = *kept;
		list = longer;
		count++;
	}
	pthread_mutex_unlock(&lock);
	return longer != NULL;
}

bool keep_object(const char *key, PyObject *object)
{
	const struct kept kept = {own_number(), strdup(key), object};
	if (kept.key == NULL || !append(&kept)) {
		free(kept.key);
		PyErr_NoMemory();
		return false;
	}
	Py_INCREF(object);
	return true;
}

PyObject *kept_object(const char *key)
{
	const int64_t number = own_number();
	PyObject *found = NULL;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && found == NULL; i++) {
		if (list[i].interpreter == number && strcmp(list[i].key, key) == 0)
			found = list[i].object;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

PyObject *kept_bytes(size_t number)
{
	const int64_t own = own_number();
	PyObject *found = NULL;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && found == NULL; i++) {
		const bool counts = list[i].interpreter == own && PyBytes_CheckExact(list[i].object);
		if (counts && number-- == 0)
			found = list[i].object;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
