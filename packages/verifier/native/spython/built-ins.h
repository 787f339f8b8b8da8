/* Functions that stand before those of CPython that make code. */
#ifndef SPYTHON_BUILT_INS_H
#define SPYTHON_BUILT_INS_H
#include "spython.h"

/* Puts the functions before those of CPython. Must be called before the program runs; further calls
 * do nothing. Returns false with an exception if CPython is not as expected. */
bool watch_code_makers(void);

/* Makes code of the content of a file that was judged. Returns null with an exception. */
PyObject *compile_file(PyObject *bytes, PyObject *file_name);

#endif
