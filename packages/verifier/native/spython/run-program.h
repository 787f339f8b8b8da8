/* The program of the command line. Python must have started. */
#ifndef SPYTHON_RUN_PROGRAM_H
#define SPYTHON_RUN_PROGRAM_H
#include "spython.h"

/* Runs the module of -m, with the current directory first in sys.path. Returns a new reference, or
 * null with the exception that ended the program. */
PyObject *run_named_module(const char *name);

/* Runs the script, directory or archive at this path. Returns like run_named_module(). Ends the
 * process if there is no such file. */
PyObject *run_path(const char *path);

#endif
