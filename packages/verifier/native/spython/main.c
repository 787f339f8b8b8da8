/* spython is CPython that runs only code which the trust index admits. docs/reference/spython.md
 * explains it.
 *
 * A start has these steps: read the options, then the host configuration, the index and the policy,
 * start Python, and run the main script. Guarantees that both hooks of PEP 578 are installed before
 * Python imports anything, and that the main script is read once: its bytes are judged, compiled
 * and run. Before Python runs, every fault ends the process. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/event-channel.h"
#include "../shared/complain.h"
#include "../shared/kernel-check.h"
#include "../shared/lockdown.h"
#include "options.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

enum {
	INDEX_DESCRIPTOR = 3, /* the descriptor of the index that the launcher passes */
	FINALIZE_FAILED = 120, /* the exit status of CPython if Py_FinalizeEx() fails */
};

const struct program_facts program = {
	.name = "spython",
	.version = SIGTOOL_VERSION,
	.tier = "CPython " SPYTHON_VERSION,
	.pins = SPYTHON_PINS,
	.lacks_this_pin = "it is not built into this spython, and ",
	.lacks_pins = "this spython was built without keys, and ",
};

static struct {
	const char *index;
	const char *config;
	int mode; /* -1 if the command line has none */
	const char *module; /* the name after -m, or null */
	const char *refused; /* the first option that spython does not have; "-" without a script */
	char **rest; /* the script, or `-m` and a module, and the arguments after it */
} options = {.mode = -1};

static const char USAGE_TEXT[] =
	"usage: spython [--index FILE] [--mode off|audit|enforce|strict] [--config FILE] [--audit "
	"FILE] [--xattr ima|spython]\n"
	"               [--allow-development] [--] SCRIPT [ARGUMENT]... | -m MODULE [ARGUMENT]...\n"
	"       spython --about\n"
	"       spython --check-index [--index FILE] [--config FILE] [--allow-development]\n"
	"Runs a script, and only code that the trust index vouches for. docs/reference/spython.md "
	"tells more.";

static _Noreturn void print_and_exit(const char *text)
{
	bool is_printed = puts(text) >= 0;
	if (is_printed)
		is_printed = fflush(stdout) == 0;
	exit(is_printed ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Stores the value of an option. Ends the process if the value is missing or not allowed. */
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

/* Reads options from `argument` on, and returns the position after them. Options end before the
 * script or -m, or after `--`. The first unknown option ends them too, and is put into
 * options.refused. */
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

/* Fills in `options`, and the `rules` that the command line sets. An unknown option, such as one of
 * Python, is refused later by refuse_options(), when the sinks for events are open. */
static void parse_options(char **arguments)
{
	enum { NO_ATTRIBUTE = -1, IMA_ATTRIBUTE, SPYTHON_ATTRIBUTE };
	int attribute = NO_ATTRIBUTE;
	int about = 0;
	int help = 0;
	int started; /* not used: start.c passes --spython, which has no meaning here */
	const struct option_row known[] = {
		/* Each row has the name, the kind, and the place of the value. */
		{"--index", "text", &options.index},
		{"--mode", MODES, &options.mode},
		{"--config", "text", &options.config},
		{"--audit", "text", &rules.json_lines},
		{"--collector", "switch", &rules.collects},
		{"--roots", "text", &rules.roots},
		{"--xattr", "ima spython", &attribute},
		{"--allow-development", "switch", &rules.development},
		{"--about", "switch", &about},
		{"--check-index", "switch", &rules.is_checking},
		{"--help", "switch", &help},
		{"--spython", "switch", &started},
		{"--launched", "switch", &rules.launched},
		{"--index-sha256", "text", &rules.index_sha256},
		{"--content-sha256", "text", &rules.content_sha256},
		{0},
	};
	options.rest = take_options(known, arguments);
	if (about)
		print_and_exit(SPYTHON_ABOUT);
	if (help)
		print_and_exit(USAGE_TEXT);
	rules.xattr_ima = attribute == IMA_ATTRIBUTE;
	rules.xattr_spython = attribute == SPYTHON_ATTRIBUTE;
	if (options.refused != NULL || rules.is_checking)
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

/* Returns the name that PEP 578 gives to what this Python option does, e.g. `run_command` for `-c`.
 * Returns null if the option does not run code in one of these ways. */
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

/* Ends the process with an event if parse_options() has found an option that spython does not
 * have. */
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

/* Returns the names of the features that this kernel lacks, for the event, or null if none. */
static const char *missing_in_kernel(bool can_ask, bool is_restricted)
{
	if (can_ask)
		return is_restricted ? NULL : "seccomp";
	return is_restricted ? "execve-check" : "execve-check seccomp";
}

/* Prepares what the kernel does. If the mode is enforce or strict and the rules refuse child
 * processes, makes the kernel refuse to execute other programs. If the rules want the kernel check,
 * finds out if the kernel knows AT_EXECVE_CHECK. Ends the process if the rules or mode strict
 * require a feature that this kernel lacks. Otherwise returns the names of the wanted features that
 * the kernel lacks, or null. */
static const char *prepare_kernel(void)
{
	bool can_ask = true;
	if (rules.kernel_check != KERNEL_CHECK_OFF)
		can_ask = kernel_answers();
	/* If the rules refuse child processes, the kernel refuses to execute any other program from
	 * here on. Audit events alone are not enough, because they do not cover every way to start a
	 * program. */
	const bool allows_children = rules.mode < MODE_ENFORCE || !refuses_children();
	bool is_restricted = true;
	if (!allows_children)
		is_restricted = restrict_calls(NULL, PROGRAMS_ONLY) == 0;
	if (!can_ask && rules.kernel_check == KERNEL_CHECK_REQUIRE)
		fail(REFUSED, "ERR_KERNEL_CHECK",
			"Cannot ask the kernel about code, which the policy requires: Linux before 6.14");
	if (!is_restricted && rules.mode == MODE_STRICT)
		fail(REFUSED, "ERR_START", "Cannot enforce strictly: this kernel lacks seccomp");
	return missing_in_kernel(can_ask, is_restricted);
}

/* Writes the real path of the script, or `-m` and the name of the module. */
static void name_script(char text[PATH_MAX])
{
	const char *path = *options.rest;
	text[0] = '\0';
	if (options.module != NULL)
		snprintf(text, PATH_MAX, "-m %s", options.module);
	else if (path != NULL && realpath(path, text) == NULL)
		snprintf(text, PATH_MAX, "%s", path);
}

/* Loads the index. Without an index, uses attributes alone if the command line says so, and says
 * what they prove. */
static void load_judgement(void)
{
	const char *index = options.index == NULL ? rules.index : options.index;
	if (rules.launched) {
		load_index(NULL, INDEX_DESCRIPTOR, options.mode);
		close(INDEX_DESCRIPTOR);
	} else if (index != NULL) {
		load_index(index, -1, options.mode);
	} else if (rules.xattr_ima || rules.xattr_spython) {
		use_attributes_alone(options.mode);
		dprintf(STDERR_FILENO,
			"spython: attributes alone: nothing is refused, and an event tells of each file whose "
			"attribute is not the hash of its content; %s\n",
			rules.xattr_spython
				? "this finds mistakes, not attackers, because who writes a file can write that too"
				: "only the administrator can write security.ima");
	} else {
		fail(USAGE, "ERR_HOST_CONFIG",
			"Cannot start: neither --index nor \"%s\" names a trust index", rules.host_file);
	}
}

/* Completes `rules` and loads the index. If the mode of the host configuration is off and the
 * command line asks for no other mode, no index is loaded, unless only a signed policy may say so.
 */
static void start_verifier(void)
{
	require_release();
	char script[PATH_MAX];
	read_host(options.config);
	if (rules.collects)
		close(ANSWERS_DESCRIPTOR);
	refuse_options();
	name_script(script);
	if (rules.development)
		dprintf(STDERR_FILENO,
			"spython: development: what a development identity signed counts%s\n",
			SPYTHON_DEVELOPMENT ? "; this spython was built for one" : "");
	const bool is_off = rules.host_mode == MODE_OFF && options.mode <= MODE_OFF;
	if (is_off && rules.policy_signers == NULL) {
		if (rules.is_checking)
			print_and_exit(MODE_NAMES[MODE_OFF]);
		announce(NULL, script);
		return;
	}
	load_judgement();
	const char *missing = prepare_kernel();
	if (rules.is_checking)
		print_and_exit(MODE_NAMES[rules.mode]);
	require_library();
	announce(missing, script);
	restrict_variables();
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
	guard_libraries();
}

/* Starts Python like `python3 -I`, but without writing bytecode, and with a fixed home, which
 * neither environment variables nor a pyvenv.cfg can change. `arguments` become sys.argv. */
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
#if PY_VERSION_HEX >= 0x030e0000
	config.remote_debug = 0; /* Another process names a file, which would be run (PEP 768). */
#endif
	/* The first call that sets a text also preinitializes Python, with the settings above. */
	require(PyConfig_SetBytesString(&config, &config.home, SPYTHON_HOME));
	require(PyConfig_SetBytesString(&config, &config.program_name, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesString(&config, &config.executable, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesArgv(&config, argument_count, arguments));
	require(Py_InitializeFromConfig(&config));
	PyConfig_Clear(&config);
}

/* The functions below run the program. Each runs once, so they release no reference: their objects
 * are kept until the process ends. If a function that returns an object returns null, the exception
 * is the one that ended the program. */

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

/* Runs the module of -m, with the current directory first in sys.path. */
static PyObject *run_named_module(const char *name)
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

/* Ends the process by the signal SIGINT, so that a shell sees the reason. CPython does this after a
 * KeyboardInterrupt that the program did not catch. Returns only if the signal fails. */
static void die_of_interrupt(void)
{
	if (signal(SIGINT, SIG_DFL) != SIG_ERR)
		kill(getpid(), SIGINT);
}

int run_spython(int argument_count, char **arguments, char **Py_UNUSED(environment_variables))
{
	rules.development = SPYTHON_DEVELOPMENT;
	remember_standard_error();
	require_stack();
	parse_options(arguments + (argument_count > 0 ? 1 : 0));
	start_verifier();
	const char *path = *options.rest;
	if (options.module != NULL) {
		/* sys.argv begins with "-m" until runpy writes the module's path there. */
		options.rest++;
		*options.rest = "-m";
	}
	start_python(argument_count - (int)(options.rest - arguments), options.rest);
	PyObject *result = options.module != NULL ? run_named_module(options.module) : run_path(path);
	const bool has_failed = result == NULL;
	const bool is_interrupted = has_failed && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	if (has_failed) {
		PyErr_Print(); /* ends the process if the exception is SystemExit */
		give_hint();
	}
	const int finalized = Py_FinalizeEx();
	finish_events();
	if (is_interrupted)
		die_of_interrupt();
	if (finalized < 0)
		return FINALIZE_FAILED;
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
