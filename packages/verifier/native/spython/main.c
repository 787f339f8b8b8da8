/* spython: CPython that runs only what a trust index vouches for. docs/spython.md.
 *
 * This file has the order of a start: the options; the host configuration, the index and the
 * policy; then Python, with both hooks of PEP 578 in place before it imports anything; then the
 * main script, which is read once, and whose bytes are judged, compiled and run. Until Python runs,
 * whatever is not as it must be ends the process. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/kernel-check.h"
#include "../shared/lockdown.h"
#include "options.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

enum {
	INDEX_DESCRIPTOR = 3, /* the launcher's sealed memory */
	FINALIZE_FAILED = 120, /* the exit status of CPython's own main() for that */
};

static struct {
	const char *index;
	const char *config;
	int mode; /* -1 if none is asked for */
	const char *module; /* the name behind -m; null if there is none */
	const char *refused; /* the first option that is not ours; "-" if there is nothing to run */
	char **rest; /* the script, or `-m` and its module, and the arguments behind it */
} options = {.mode = -1};

static const char USAGE_TEXT[] =
	"usage: spython [--index FILE] [--mode off|audit|enforce|strict] [--config FILE] [--audit "
	"FILE] [--xattr ima|spython]\n"
	"               [--allow-development] [--] SCRIPT [ARGUMENT]... | -m MODULE [ARGUMENT]...\n"
	"       spython --about\n"
	"Runs a script, and only code that the trust index vouches for. docs/spython.md tells more.";

static _Noreturn void print_and_exit(const char *text)
{
	bool is_printed = puts(text) >= 0;
	if (is_printed)
		is_printed = fflush(stdout) == 0;
	exit(is_printed ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Takes the value of an option that has one. Ends the process if it is missing or no choice. */
static void take_value(const struct option_row *option, const char *value)
{
	if (value == NULL || *value == '\0')
		fail(USAGE, NULL, "Option %s needs a value", option->name);
	const bool is_taken = take_option(option, value);
	if (!is_taken)
		fail(USAGE, NULL, "Option %s cannot be \"%s\": choose one of %s", option->name, value,
			option->is);
}

static bool is_option(const char *argument)
{
	return argument != NULL && *argument == '-' && strcmp(argument, "-m") != 0;
}

/* Takes options from `argument` on, and returns what is behind them: they end at the script, at -m
 * or behind `--`. The first one that is not known goes to options.refused, and ends them too. */
static char **take_options(const struct option_row *known, char **argument)
{
	while (is_option(*argument)) {
		if (strcmp(*argument, "--") == 0)
			return argument + 1;
		const struct option_row *option = find_option(known, *argument);
		if (option == NULL) {
			options.refused = *argument;
			return argument;
		}
		if (is_switch(option)) {
			take_option(option, NULL);
		} else {
			argument++;
			take_value(option, *argument);
		}
		argument++;
	}
	return argument;
}

/* Fills `options`, and those `rules` that the command line sets. Options of Python are refused
 * later, by refuse_options(), when there is somewhere to record it. */
static void parse_options(char **arguments)
{
	enum { NO_ATTRIBUTE = -1, IMA_ATTRIBUTE, SPYTHON_ATTRIBUTE };
	int attribute = NO_ATTRIBUTE;
	int about = 0;
	int help = 0;
	int started; /* start.c passes --spython, which says nothing more here */
	const struct option_row known[] = {
		/* name, kind, where the value goes */
		{"--index", "text", &options.index},
		{"--mode", MODES, &options.mode},
		{"--config", "text", &options.config},
		{"--audit", "text", &rules.json_lines},
		{"--xattr", "ima spython", &attribute},
		{"--allow-development", "switch", &rules.development},
		{"--about", "switch", &about},
		{"--help", "switch", &help},
		{"--spython", "switch", &started},
		{"--launched", "switch", &rules.launched},
		{0},
	};
	options.rest = take_options(known, arguments);
	if (about)
		print_and_exit(SPYTHON_ABOUT);
	if (help)
		print_and_exit(USAGE_TEXT);
	rules.xattr_ima = attribute == IMA_ATTRIBUTE;
	rules.xattr_spython = attribute == SPYTHON_ATTRIBUTE;
	if (options.refused != NULL)
		return;
	if (*options.rest == NULL) {
		options.refused = "-";
		return;
	}
	if (strcmp(*options.rest, "-m") == 0) {
		options.module = options.rest[1];
		if (options.module == NULL)
			fail(USAGE, NULL, "Option -m needs a module");
	}
}

/* Returns PEP 578's name for the way of running code that an option of Python asks for, or null. */
static const char *name_in_pep_578(const char *option)
{
	if (strncmp(option, "-c", 2) == 0)
		return "run_command";
	if (strncmp(option, "-i", 2) == 0)
		return "run_interactivehook";
	if (strcmp(option, "-") == 0)
		return "run_stdin";
	return NULL;
}

/* Ends the process, with an event, if there was an option that is not ours. */
static void refuse_options(void)
{
	const char *option = options.refused;
	if (option == NULL)
		return;
	raise_event("cmdline.refused", REFUSE, "argument", option, "reason", "ERR_START", NULL);
	const char *way = name_in_pep_578(option);
	if (way != NULL)
		fail(USAGE, NULL, "'%s' is disabled by policy: name a script, or a module by -m", way);
	fail(USAGE, NULL,
		"\"%s\" is one option too many: those of Python are fixed, those of the script follow it",
		option);
}

static void require_release(void)
{
	if (strncmp(Py_GetVersion(), SPYTHON_RELEASE ".", sizeof SPYTHON_RELEASE) != 0)
		fail(REFUSED, NULL,
			"Cannot start: \"%s\" is no CPython " SPYTHON_RELEASE " any more; build spython again",
			SPYTHON_PROGRAM);
}

/* Returns the names of what this kernel lacks, for the event; null if nothing. */
static const char *missing_in_kernel(bool can_ask, bool is_restricted)
{
	if (can_ask)
		return is_restricted ? NULL : "seccomp";
	return is_restricted ? "execve-check" : "execve-check seccomp";
}

/* Has the kernel refuse other programs, and finds out if it can be asked about code. Ends the
 * process if the rules require what this kernel lacks. Returns the names of what it lacks. */
static const char *prepare_kernel(void)
{
	bool can_ask = true;
	if (rules.kernel_check != KERNEL_CHECK_OFF)
		can_ask = kernel_answers();
	/* The kernel keeps the process from starting any other program from here on. Audit events cover
	 * most ways to start one, not all. */
	const bool allows_children = rules.mode < MODE_ENFORCE || rules.children != CHILDREN_REFUSE;
	bool is_restricted = true;
	if (!allows_children)
		is_restricted = restrict_calls(-1, NULL, NULL, PROGRAMS_ONLY) == 0;
	if (!can_ask && rules.kernel_check == KERNEL_CHECK_REQUIRE)
		fail(REFUSED, "ERR_KERNEL_CHECK",
			"Cannot ask the kernel about code, which the policy requires: Linux before 6.14");
	if (!is_restricted && rules.mode == MODE_STRICT)
		fail(REFUSED, "ERR_START", "Cannot enforce strictly: this kernel lacks seccomp");
	return missing_in_kernel(can_ask, is_restricted);
}

/* Completes `rules` and the index. Where the host configuration itself says `off`, and nothing else
 * is asked for, there is no index. */
static void start_verifier(void)
{
	require_release();
	read_host(options.config);
	refuse_options();
	if (rules.development)
		dprintf(STDERR_FILENO,
			"spython: development: what a development identity signed counts%s\n",
			SPYTHON_DEVELOPMENT ? "; this spython was built for one" : "");
	if (rules.host_mode == MODE_OFF && options.mode <= MODE_OFF) {
		announce(NULL);
		return;
	}
	const char *index = options.index == NULL ? rules.index : options.index;
	if (index == NULL && !rules.launched)
		fail(USAGE, "ERR_HOST_CONFIG",
			"Cannot start: neither --index nor \"%s\" names a trust index", rules.host_file);
	load_index(index, rules.launched ? INDEX_DESCRIPTOR : -1, options.mode);
	announce(prepare_kernel());
	prepare_audit();
}

static void require(PyStatus status)
{
	if (PyStatus_IsError(status))
		Py_ExitStatusException(status);
}

static void install_hooks(void)
{
	if (PyFile_SetOpenCodeHook(open_code, NULL) != 0 || PySys_AddAuditHook(on_audit, NULL) != 0)
		fail(REFUSED, "ERR_START", "Cannot start: Python does not take the hooks");
}

/* Starts Python as `python3 -I` does, but with a fixed home, so that neither environment variables
 * nor a pyvenv.cfg move it, and without writing bytecode. `arguments` become sys.argv. */
static void start_python(int argument_count, char **arguments)
{
	PyConfig config;
	if (rules.mode != MODE_OFF)
		install_hooks();
	PyConfig_InitPythonConfig(&config);
	config.isolated = 1;
	config.use_environment = 0;
	config.parse_argv = 0;
	config.user_site_directory = 0;
	config.write_bytecode = 0;
	/* The first text that is set preinitializes Python, by the settings above. */
	require(PyConfig_SetBytesString(&config, &config.home, SPYTHON_HOME));
	require(PyConfig_SetBytesString(&config, &config.program_name, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesString(&config, &config.executable, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesArgv(&config, argument_count, arguments));
	require(Py_InitializeFromConfig(&config));
	PyConfig_Clear(&config);
}

/* The functions below run the program. Each runs once, so they drop no reference: what they make is
 * kept to the end of the process. Those that return an object return null with the exception by
 * which the program ended. */

/* Puts a directory, or an archive, first into sys.path. Returns 0; -1 with an exception. */
static int set_first_path(const char *path)
{
	PyObject *paths = PySys_GetObject("path");
	PyObject *first = PyUnicode_DecodeFSDefault(path);
	if (paths == NULL || first == NULL)
		return -1;
	return PyList_Insert(paths, 0, first);
}

/* Runs a module as runpy does for -m: a directory or an archive by its __main__. `alters_argv` has
 * runpy put the module's path into sys.argv[0]. */
static PyObject *run_module(const char *name, int alters_argv)
{
	PyObject *runpy = PyImport_ImportModule("runpy");
	if (runpy == NULL)
		return NULL;
	return PyObject_CallMethod(runpy, "_run_module_as_main", "si", name, alters_argv);
}

/* Returns the text for __file__: absolute from Python 3.9 on, before as it was given. */
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

/* Gives __main__ what CPython's own main() gives it. Returns 0; -1 with an exception. */
static int set_main_names(PyObject *names, PyObject *file_name, PyObject *loader)
{
	if (PyDict_SetItemString(names, "__file__", file_name) != 0 ||
		PyDict_SetItemString(names, "__cached__", Py_None) != 0 ||
		PyDict_SetItemString(names, "__loader__", loader) != 0)
		return -1;
	return 0;
}

/* Runs a file of source code as __main__: exactly the bytes that were judged. */
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
	const char *source = PyBytes_AS_STRING(bytes);
	if (strlen(source) != (size_t)PyBytes_GET_SIZE(bytes)) {
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
	PyCompilerFlags flags = {.cf_flags = 0, .cf_feature_version = PY_MINOR_VERSION};
	PyObject *code = Py_CompileStringObject(source, file_name, Py_file_input, &flags, -1);
	if (code == NULL)
		return NULL;
	return PyEval_EvalCode(code, names, names);
}

/* Runs the module of -m, from the current directory. */
static PyObject *run_named_module(const char *name)
{
	char directory[PATH_MAX];
	if (getcwd(directory, sizeof directory) == NULL || set_first_path(directory) != 0)
		return NULL;
	return run_module(name, 1);
}

/* Runs a directory or an archive by its __main__, which Python imports, and so the hook judges. */
static PyObject *run_container(const char *path)
{
	char real[PATH_MAX];
	if (realpath(path, real) == NULL || set_first_path(real) != 0)
		return NULL;
	return run_module("__main__", 0);
}

static PyObject *run_path(const char *path)
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

/* Ends the process by SIGINT, as CPython does after an exception that nobody caught, so that a
 * shell sees the reason. Returns only if that fails. */
static void die_of_interrupt(void)
{
	if (signal(SIGINT, SIG_DFL) != SIG_ERR)
		kill(getpid(), SIGINT);
}

int run_spython(int argument_count, char **arguments, char **Py_UNUSED(environment_variables))
{
	rules.development = SPYTHON_DEVELOPMENT;
	parse_options(arguments + (argument_count > 0 ? 1 : 0));
	start_verifier();
	const char *path = *options.rest;
	if (options.module != NULL) {
		/* sys.argv begins with "-m" until runpy puts the module's path there. */
		options.rest++;
		*options.rest = "-m";
	}
	start_python(argument_count - (int)(options.rest - arguments), options.rest);
	PyObject *result = options.module != NULL ? run_named_module(options.module) : run_path(path);
	const bool has_failed = result == NULL;
	const bool is_interrupted = has_failed && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	if (has_failed)
		PyErr_Print(); /* ends the process for SystemExit */
	const int finalized = Py_FinalizeEx();
	if (is_interrupted)
		die_of_interrupt();
	if (finalized < 0)
		return FINALIZE_FAILED;
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
