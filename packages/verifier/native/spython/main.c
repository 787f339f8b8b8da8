/* spython: CPython that runs only what a trust index vouches for. docs/spython.md. Options, the
 * start of the verifier, then of Python with both hooks of PEP 578 in place, and the main script,
 * which is read once: judged, compiled, run. */
#define _GNU_SOURCE
#include "spython.h"
#include "../kernel-check.h"
#include "../lockdown.h"
#include <signal.h>
#include <sys/stat.h>

enum { INDEX = 3 }; /* the descriptor of the launcher's sealed memory */
static struct {
	const char *index, *config, *module, *refused;
	int mode; /* -1 where none is asked for */
	char **words; /* the script or `-m MODULE`, and what is behind it */
} options = {.mode = -1};

static const char USAGE_TEXT[] =
	"usage: spython [--index FILE] [--mode off|audit|enforce|strict] [--config FILE] [--audit "
	"FILE] [--xattr ima|spython]\n"
	"               [--allow-development] [--] SCRIPT [ARGUMENT]... | -m MODULE [ARGUMENT]...\n"
	"       spython --about\n"
	"Runs a script, and only code that the trust index vouches for. docs/spython.md tells more.";

/* Ours end at the script or -m. Python's are refused, later, when there is somewhere to record it.
 */
static void parse_options(char **word)
{
	int attribute = -1, about = 0, help = 0, started; /* start.c says the last */
	const struct member known[] = {{"--index", "text", &options.index},
		{"--mode", MODES, &options.mode}, {"--config", "text", &options.config},
		{"--audit", "text", &rules.json_lines}, {"--xattr", "ima spython", &attribute},
		{"--allow-development", "switch", &rules.development}, {"--about", "switch", &about},
		{"--help", "switch", &help}, {"--spython", "switch", &started},
		{"--launched", "switch", &rules.launched}, {0}};
	for (; options.refused == NULL && *word != NULL && **word == '-' && strcmp(*word, "-m") != 0;
		word++) {
		if (strcmp(*word, "--") == 0 && word++)
			break;
		const struct member *option = find_member(known, *word);
		if (option == NULL)
			options.refused = *word;
		else if (take_member(option, &(struct json){.kind = JSON_TRUE}))
			continue;
		else if (word[1] == NULL || *word[1] == 0)
			fail(USAGE, NULL, "Option %s needs a value", *word);
		else if (!take_member(option, &(struct json){.kind = JSON_STRING, .text = *++word}))
			fail(USAGE, NULL, "\"%s\" is no %s: %s", *word, option->name + 2, option->is);
	}
	if (about || help)
		exit(puts(about ? SPYTHON_ABOUT : USAGE_TEXT) < 0 || fflush(stdout) != 0);
	rules.xattr_ima = attribute == 0;
	rules.xattr_spython = attribute == 1;
	options.words = word;
	if (*word == NULL && options.refused == NULL)
		options.refused = "-";
	else if (options.refused == NULL && strcmp(*word, "-m") == 0 &&
			 (options.module = word[1]) == NULL)
		fail(USAGE, NULL, "Option -m needs a module");
}

/* In PEP 578's words where it has them. */
static void refuse_options(void)
{
	const char *option = options.refused, *run;
	if (option == NULL)
		return;
	run = strncmp(option, "-c", 2) == 0   ? "run_command"
		  : strncmp(option, "-i", 2) == 0 ? "run_interactivehook"
		  : strcmp(option, "-") == 0      ? "run_stdin"
										  : NULL;
	raise_event("cmdline.refused", REFUSE, "argument", option, "reason", "ERR_START", NULL);
	if (run != NULL)
		fail(USAGE, NULL, "'%s' is disabled by policy: name a script, or a module by -m", run);
	fail(USAGE, NULL,
		"\"%s\" is one option too many: those of Python are fixed, those of the script follow it",
		option);
}

static void start_verifier(void)
{
	if (strncmp(Py_GetVersion(), SPYTHON_RELEASE ".", sizeof SPYTHON_RELEASE) != 0)
		fail(REFUSED, NULL,
			"Cannot start: \"%s\" is no CPython " SPYTHON_RELEASE " any more; build spython again",
			SPYTHON_PROGRAM);
	read_host(options.config);
	refuse_options();
	if (rules.development)
		dprintf(2, "spython: development: what a development identity signed counts%s\n",
			SPYTHON_DEVELOPMENT ? "; this spython was built for one" : "");
	if (rules.host_mode == MODE_OFF && options.mode <= MODE_OFF)
		return announce(NULL);
	const char *index = options.index == NULL ? rules.index : options.index;
	if (index == NULL && !rules.launched)
		fail(USAGE, "ERR_HOST_CONFIG",
			"Cannot start: neither --index nor \"%s\" names a trust index", rules.host_file);
	load_index(index, rules.launched ? INDEX : -1, options.mode);
	const int asks = rules.kernel_check == KERNEL_OFF || kernel_answers(),
			  allows_children = rules.mode < MODE_ENFORCE || rules.children != CHILDREN_REFUSE;
	/* No program but this one from here on, by whatever call: events tell of most ways to start
	 * one, not of all. */
	const int restricts = allows_children || restrict_calls(-1, NULL, NULL, PROGRAMS_ONLY) == 0;
	if (!asks && rules.kernel_check == KERNEL_REQUIRE)
		fail(REFUSED, "ERR_KERNEL_CHECK",
			"Cannot ask the kernel about code, which the policy requires: Linux before 6.14");
	if (!restricts && rules.mode == MODE_STRICT)
		fail(REFUSED, "ERR_START", "Cannot enforce strictly: this kernel lacks seccomp");
	announce(asks        ? restricts ? NULL : "seccomp"
			 : restricts ? "execve-check"
						 : "execve-check seccomp");
	prepare_audit();
}

static void require(PyStatus status)
{
	if (PyStatus_IsError(status))
		Py_ExitStatusException(status);
}

/* As `python3 -I`, but for the variables, which have no say, and bytecode, which is not written. */
static void start_python(int count, char **words)
{
	PyConfig config;
	if (rules.mode != MODE_OFF &&
		(PyFile_SetOpenCodeHook(open_code, NULL) != 0 || PySys_AddAuditHook(on_audit, NULL) != 0))
		fail(REFUSED, "ERR_START", "Cannot start: Python does not take the hooks");
	PyConfig_InitPythonConfig(&config);
	config.isolated = 1;
	config.use_environment = config.parse_argv = config.user_site_directory =
		config.write_bytecode = 0;
	/* From here on, with the first text that is set, these hold for what comes before Python, too.
	 */
	require(PyConfig_SetBytesString(&config, &config.home, SPYTHON_HOME));
	require(PyConfig_SetBytesString(&config, &config.program_name, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesString(&config, &config.executable, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesArgv(&config, count, words));
	require(Py_InitializeFromConfig(&config));
	PyConfig_Clear(&config);
}

static int set_first_path(const char *directory)
{
	PyObject *path = PySys_GetObject("path"), *first = PyUnicode_DecodeFSDefault(directory);
	return path == NULL || first == NULL ? -1 : PyList_Insert(path, 0, first);
}

/* Also of a directory or an archive, by their __main__. What is made here once is kept to the end.
 */
static PyObject *run_module(const char *name, int alters_words)
{
	PyObject *runpy = PyImport_ImportModule("runpy");
	return runpy == NULL
			   ? NULL
			   : PyObject_CallMethod(runpy, "_run_module_as_main", "si", name, alters_words);
}

static PyObject *run_script(const char *path)
{
	char real[PATH_MAX], absolute[2 * PATH_MAX] = "";
	PyCompilerFlags flags = {.cf_flags = 0, .cf_feature_version = PY_MINOR_VERSION};
	PyObject *bytes = open_verified(path, "module.open_code", "main", real),
			 *main = bytes == NULL ? NULL : PyImport_AddModule("__main__");
	if (main == NULL)
		return NULL;
	PyObject *names = PyModule_GetDict(main);
	if (PY_MINOR_VERSION >= 9 && *path != '/' && getcwd(absolute, PATH_MAX) != NULL)
		strcat(absolute, "/"); /* before, as argv has it */
	strncat(absolute, path, PATH_MAX - 1);
	*strrchr(real, '/') = 0;
	if (strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes))
		return PyErr_SetString(PyExc_SyntaxError, "source code cannot contain null bytes"), NULL;
	PyObject *importlib = PyImport_ImportModule("_frozen_importlib_external"),
			 *file = PyUnicode_DecodeFSDefault(absolute);
	PyObject *loader =
		importlib == NULL || file == NULL
			? NULL
			: PyObject_CallMethod(importlib, "SourceFileLoader", "sO", "__main__", file);
	if (loader == NULL || set_first_path(*real ? real : "/") != 0 ||
		PyDict_SetItemString(names, "__file__", file) != 0 ||
		PyDict_SetItemString(names, "__cached__", Py_None) != 0 ||
		PyDict_SetItemString(names, "__loader__", loader) != 0)
		return NULL;
	PyObject *code =
		Py_CompileStringObject(PyBytes_AS_STRING(bytes), file, Py_file_input, &flags, -1);
	return code == NULL ? NULL : PyEval_EvalCode(code, names, names);
}

/* Directories and archives are run by what they import, which the hook sees. */
static PyObject *run_main(char *script)
{
	char directory[PATH_MAX];
	struct stat s;
	if (options.module != NULL)
		return getcwd(directory, sizeof directory) == NULL || set_first_path(directory) != 0
				   ? NULL
				   : run_module(options.module, 1);
	const char *dot = strrchr(script, '.');
	if (stat(script, &s) != 0)
		fail(USAGE, NULL, "can't open file '%s': [Errno %d] %m", script, errno);
	if (!S_ISDIR(s.st_mode) && (dot == NULL || word_index(dot, ".pyz .zip") < 0))
		return run_script(script);
	return realpath(script, directory) == NULL || set_first_path(directory) != 0
			   ? NULL
			   : run_module("__main__", 0);
}

int run_spython(int count, char **words, char **Py_UNUSED(variables))
{
	rules.development = SPYTHON_DEVELOPMENT;
	parse_options(words + (count > 0));
	start_verifier();
	char *script = *options.words;
	if (options.module != NULL)
		*++options.words = "-m";
	start_python(count - (int)(options.words - words), options.words);
	const int failed = run_main(script) == NULL,
			  interrupted = failed && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	if (failed)
		PyErr_Print(); /* exits for SystemExit */
	const int finished = Py_FinalizeEx();
	if (interrupted && signal(SIGINT, SIG_DFL) != SIG_ERR)
		kill(getpid(), SIGINT);
	return finished < 0 ? 120 : failed;
}
