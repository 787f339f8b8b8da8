/* Runs the program in a Python that has started: a script, a directory, an archive or a module.
 *
 * Guarantees that a script is read once: its bytes are judged, compiled and run. The hook judges
 * the rest, because Python imports it.
 *
 * Each of these functions runs once, so they release no reference: their objects are kept until the
 * process ends. If a function that returns an object returns null, the exception is the one that
 * ended the program. */
#define _GNU_SOURCE
#include "run-program.h"
#include "built-ins.h"
#include "../shared/settings/members.h"
#include "../shared/text/words.h"
#include <sys/stat.h>

/* Inserts the path of a directory or an archive as the first of sys.path. Returns 0, or -1 with an
 * exception. */
static int set_first_path(const char *path)
{
	PyObject *paths = PySys_GetObject("path");
	PyObject *first = PyUnicode_DecodeFSDefault(path);
	if (paths == NULL || first == NULL)
		return -1;
	return PyList_Insert(paths, 0, first);
}

/* Runs a module like `python3 -m`. `__main__` is the module of a directory or archive. If
 * `alters_argv` is not 0, runpy writes the module's path to sys.argv[0]. */
static PyObject *run_module(const char *name, int alters_argv)
{
	PyObject *runpy = PyImport_ImportModule("runpy");
	if (runpy == NULL)
		return NULL;
	return PyObject_CallMethod(runpy, "_run_module_as_main", "si", name, alters_argv);
}

/* Returns the text for __file__. From Python 3.9 on it is an absolute path. In earlier releases it
 * is the path as given. */
static PyObject *file_name_of(const char *path)
{
	char name[2 * PATH_MAX] = "";
	if (PY_MINOR_VERSION >= 9 && *path != '/') {
		if (getcwd(name, PATH_MAX) != NULL)
			strcat(name, "/");
	}
	strncat(name, path, PATH_MAX - 1);
	return PyUnicode_DecodeFSDefault(name);
}

/* Sets the names in __main__ that CPython's own main() sets. Returns 0, or -1 with an exception. */
static int set_main_names(PyObject *names, PyObject *file_name, PyObject *loader)
{
	if (PyDict_SetItemString(names, "__file__", file_name) != 0 ||
		PyDict_SetItemString(names, "__cached__", Py_None) != 0 ||
		PyDict_SetItemString(names, "__loader__", loader) != 0)
		return -1;
	return 0;
}

/* Runs a file of source code as __main__. Exactly the bytes that were judged are compiled. */
static PyObject *run_script(const char *path)
{
	char real[PATH_MAX];
	PyObject *bytes = open_verified(path, "module.open_code", "main", real);
	if (bytes == NULL)
		return NULL;
	PyObject *main = PyImport_AddModule("__main__");
	if (main == NULL)
		return NULL;
	PyObject *names = PyModule_GetDict(main);
	PyObject *file_name = file_name_of(path);
	if (file_name == NULL)
		return NULL;
	if (strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes)) {
		PyErr_SetString(PyExc_SyntaxError, "source code cannot contain null bytes");
		return NULL;
	}
	PyObject *importlib = PyImport_ImportModule("_frozen_importlib_external");
	if (importlib == NULL)
		return NULL;
	PyObject *loader =
		PyObject_CallMethod(importlib, "SourceFileLoader", "sO", "__main__", file_name);
	if (loader == NULL)
		return NULL;
	char *last_slash = strrchr(real, '/');
	*last_slash = '\0';
	if (set_first_path(*real != '\0' ? real : "/") != 0 ||
		set_main_names(names, file_name, loader) != 0)
		return NULL;
	PyObject *code = compile_file(bytes, file_name);
	if (code == NULL)
		return NULL;
	return PyEval_EvalCode(code, names, names);
}

PyObject *run_named_module(const char *name)
{
	char directory[PATH_MAX];
	if (getcwd(directory, sizeof directory) == NULL) {
		const char *why = errno == ENOENT ? "it was removed" : strerror(errno);
		PyErr_Format(PyExc_OSError,
			"Cannot run module '%s' from the current directory: %s; change to another one", name,
			why);
		return NULL;
	}
	if (set_first_path(directory) != 0)
		return NULL;
	return run_module(name, 1);
}

/* Runs the __main__ of a directory or an archive. The hook judges it, because Python imports it. */
static PyObject *run_container(const char *path)
{
	char real[PATH_MAX];
	if (realpath(path, real) == NULL)
		return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	if (set_first_path(real) != 0)
		return NULL;
	return run_module("__main__", 0);
}

PyObject *run_path(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		fail(USAGE, NULL, "can't open file '%s': [Errno %d] %m", path, errno);
	const char *suffix = strrchr(path, '.');
	const bool is_archive = suffix != NULL && word_index(suffix, ".pyz .zip") >= 0;
	if (S_ISDIR(status.st_mode) || is_archive)
		return run_container(path);
	return run_script(path);
}
