/* What of spython is about Python; included before any other header. */
#ifndef SPYTHON_PYTHON_H
#define SPYTHON_PYTHON_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "spython.h"

/* open-code.c. The event, then the bytes that were hashed, or null with the exception. `real`: where they lie; may be null. */
PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX]);
PyObject *open_code(PyObject *path, void *unused);
/* What the kernel cannot be asked, or null. */
const char *start_kernel_check(void);
/* After the event: PermissionError, or the end of the process. Always -1. */
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* audit.c */
void prepare_audit(void);
int on_audit(const char *event, PyObject *arguments, void *unused);
#endif
