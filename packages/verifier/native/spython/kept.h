/* Keeps Python objects where no Python object leads to, so that no program finds them by
 * gc.get_objects() and exchanges them. */
#ifndef SPYTHON_KEPT_H
#define SPYTHON_KEPT_H
#include "spython.h"

/* Keeps an object under a key, for this interpreter. The object is never released, because nothing
 * tells when the last thread has used it. Returns false with an exception if memory is lacking. */
bool keep_object(const char *key, PyObject *object);

/* Returns the object that this interpreter keeps under the key, as a borrowed reference, or null
 * without an exception. */
PyObject *kept_object(const char *key);

/* Returns the bytes object that this interpreter keeps with this number, as a borrowed reference,
 * or null. Numbers begin at 0. */
PyObject *kept_bytes(size_t number);

#endif
