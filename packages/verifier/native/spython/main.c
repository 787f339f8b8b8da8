/* spython: CPython that runs only what a trust index vouches for. docs/spython.md. Options, the start of the verifier,
 * then of Python with both hooks of PEP 578 in place, and the main script, which is read once: judged, compiled, run. */
#define _GNU_SOURCE
#include "spython.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif
enum { INDEX = 3, RECORD = 4, MAX_RECORD = 1 << 16 };
static struct {
	const char *index, *config, *module, *refused;
	int mode;     /* -1 where none is asked for */
	char **words; /* the script or `-m MODULE`, and what is behind it */
} options = {.mode = -1};

static _Noreturn void print_about(void) {
	printf("{\"python\":\"%s\",\"home\":\"%s\",\"executable\":\"%s\",\"pins\":[", SPYTHON_VERSION, SPYTHON_HOME, SPYTHON_EXECUTABLE);
	for (size_t at = 0; at < strlen(SPYTHON_PINS); at += SHA256_HEX + 1) printf("%s\"%.64s\"", at == 0 ? "" : ",", SPYTHON_PINS + at);
	printf("],\"development\":%s}\n", SPYTHON_DEVELOPMENT ? "true" : "false");
	exit(fflush(stdout) == 0 ? 0 : 1);
}

/* Ours end at the script or -m. Python's are refused, later, when there is somewhere to record it. */
static void parse_options(char **word) {
	for (; *word != NULL && **word == '-' && strcmp(*word, "-m") != 0; word++) {
		const int option = word_index(*word, "--index --mode --config --xattr --allow-development --about --");
		if (option == 6 && word++) break;
		if (option < 0 && (options.refused = *word)) break;
		if (option < 4 && (word[1] == NULL || *word[1] == 0)) fail(USAGE, NULL, "Option %s needs a value", *word);
		if (option == 0) options.index = *++word;
		else if (option == 1) options.mode = parse_mode(*++word);
		else if (option == 2) options.config = *++word;
		else if (option == 4) rules.development = 1;
		else if (option == 5) print_about();
		else if (strcmp(*++word, "ima") == 0) rules.xattr_ima = 1;
		else if (strcmp(*word, "spython") == 0) rules.xattr_spython = 1;
		else fail(USAGE, NULL, "\"%s\" is no attribute: ima or spython", *word);
	}
	options.words = word;
	if (*word == NULL) options.refused = "-";
	else if (options.refused == NULL && strcmp(*word, "-m") == 0 && (options.module = word[1]) == NULL) fail(USAGE, NULL, "Option -m needs a module");
}

/* In PEP 578's words where it has them. */
static void refuse_options(void) {
	const char *option = options.refused, *run;
	if (option == NULL) return;
	run = strncmp(option, "-c", 2) == 0 ? "run_command" : strncmp(option, "-i", 2) == 0 ? "run_interactivehook" : strcmp(option, "-") == 0 ? "run_stdin" : NULL;
	raise_event("cmdline.refused", REFUSE, "argument", option, "reason", "ERR_START", NULL);
	if (run != NULL) fail(USAGE, NULL, "'%s' is disabled by policy: name a script, or a module by -m", run);
	fail(USAGE, NULL, "\"%s\" is one option too many: those of Python are fixed, those of the script follow it", option);
}

/* The launcher's record: lines `key value` in sealed memory. It says no more than options could. */
static void read_record(void) {
	static char text[MAX_RECORD + 1];
	const ssize_t length = (fcntl(RECORD, F_GET_SEALS) & ALL_SEALS) == ALL_SEALS ? pread(RECORD, text, MAX_RECORD, 0) : -1;
	if (length < 0 || strncmp(text, "version 1\n", 10) != 0) fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use the launch record: it is no sealed memory, or of another version");
	close(RECORD);
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *value = line + strcspn(line, " ");
		if (*value != 0) *value++ = 0;
		if (strcmp(line, "mode") == 0) options.mode = parse_mode(value);
		else if (strcmp(line, "config") == 0) options.config = value;
		else if (strcmp(line, "audit") == 0) rules.json_lines = value;
		else if (strcmp(line, "development") == 0) rules.development |= strcmp(value, "allow") == 0;
	}
	rules.launched = 1;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define TEST(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), (uint32_t)(value), yes, no)
/* No program but this one from here on, by whatever call: events tell of most ways to start one, not of all. */
static const char *refuse_children(void) {
	if (rules.mode < MODE_ENFORCE || rules.children != CHILDREN_REFUSE) return NULL;
	struct sock_filter code[] = {
		LOAD(arch), TEST(BPF_JEQ, ARCHITECTURE, 0, 6), LOAD(nr), TEST(BPF_JGE, 0x40000000 /* x32 */, 4, 0), TEST(BPF_JEQ, SYS_execve, 3, 0), TEST(BPF_JEQ, SYS_execveat, 0, 3),
		LOAD(args[4]), TEST(BPF_JSET, 0x10000 /* a check executes nothing */, 1, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog filter = {sizeof code / sizeof *code, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return NULL;
	if (rules.mode == MODE_STRICT) fail(REFUSED, "ERR_START", "Cannot enforce strictly: this kernel lacks seccomp");
	return "seccomp";
}

static void start_verifier(void) {
	char missing[64] = "";
	read_host(options.config);
	refuse_options();
	if (rules.development) dprintf(2, "spython: development: what a development identity signed counts%s\n", SPYTHON_DEVELOPMENT ? "; this spython was built for one" : "");
	if (!rules.launched && getenv("LD_PRELOAD") != NULL) dprintf(2, "spython: LD_PRELOAD is out of its reach; start it by sigtool-launch\n");
	if (rules.host_mode == MODE_OFF && options.mode <= MODE_OFF) return announce(NULL);
	const char *index = options.index == NULL ? rules.index : options.index;
	if (index == NULL && !rules.launched) fail(USAGE, "ERR_HOST_CONFIG", "Cannot start: neither --index nor \"%s\" names a trust index", rules.host_file);
	load_index(index, rules.launched ? INDEX : -1, options.mode);
	const char *kernel = start_kernel_check(), *children = refuse_children();
	snprintf(missing, sizeof missing, "%s%s%s", kernel ? kernel : "", kernel && children ? " " : "", children ? children : "");
	announce(*missing ? missing : NULL);
	prepare_audit();
}

static void require(PyStatus status) {
	if (PyStatus_IsError(status)) Py_ExitStatusException(status);
}

/* As `python3 -I`, but for the variables, which have no say, and bytecode, which is not written. */
static void start_python(int count, char **words) {
	PyPreConfig before;
	PyConfig config;
	if (rules.mode != MODE_OFF && (PyFile_SetOpenCodeHook(open_code, NULL) != 0 || PySys_AddAuditHook(on_audit, NULL) != 0))
		fail(REFUSED, "ERR_START", "Cannot start: Python does not take the hooks");
	PyPreConfig_InitPythonConfig(&before);
	before.isolated = 1;
	before.use_environment = before.parse_argv = 0;
	require(Py_PreInitialize(&before));
	PyConfig_InitPythonConfig(&config);
	config.isolated = 1;
	config.use_environment = config.parse_argv = config.user_site_directory = config.write_bytecode = 0;
	require(PyConfig_SetBytesString(&config, &config.home, SPYTHON_HOME));
	require(PyConfig_SetBytesString(&config, &config.program_name, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesString(&config, &config.executable, SPYTHON_EXECUTABLE));
	require(PyConfig_SetBytesArgv(&config, count, words));
	require(Py_InitializeFromConfig(&config));
	PyConfig_Clear(&config);
}

static int set_first_path(const char *directory) {
	PyObject *path = PySys_GetObject("path"), *first = PyUnicode_DecodeFSDefault(directory);
	return path == NULL || first == NULL ? -1 : PyList_Insert(path, 0, first);
}

/* Also of a directory or an archive, by their __main__. What is made here once is kept to the end. */
static PyObject *run_module(const char *name, int alters_words) {
	PyObject *runpy = PyImport_ImportModule("runpy");
	return runpy == NULL ? NULL : PyObject_CallMethod(runpy, "_run_module_as_main", "si", name, alters_words);
}

static PyObject *run_script(const char *path) {
	char real[PATH_MAX], absolute[2 * PATH_MAX] = "";
	PyCompilerFlags flags = {.cf_flags = 0, .cf_feature_version = PY_MINOR_VERSION};
	PyObject *bytes = open_verified(path, "module.open_code", "main", real), *main = bytes == NULL ? NULL : PyImport_AddModule("__main__");
	if (main == NULL) return NULL;
	PyObject *names = PyModule_GetDict(main);
	if (PY_MINOR_VERSION >= 9 && *path != '/' && getcwd(absolute, PATH_MAX) != NULL) strcat(absolute, "/"); /* before, as argv has it */
	strncat(absolute, path, PATH_MAX - 1);
	*strrchr(real, '/') = 0;
	if (strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes)) return PyErr_SetString(PyExc_SyntaxError, "source code cannot contain null bytes"), NULL;
	PyObject *importlib = PyImport_ImportModule("_frozen_importlib_external"), *file = PyUnicode_DecodeFSDefault(absolute);
	PyObject *loader = importlib == NULL || file == NULL ? NULL : PyObject_CallMethod(importlib, "SourceFileLoader", "sO", "__main__", file);
	if (loader == NULL || set_first_path(*real ? real : "/") != 0 || PyDict_SetItemString(names, "__file__", file) != 0 ||
		PyDict_SetItemString(names, "__cached__", Py_None) != 0 || PyDict_SetItemString(names, "__loader__", loader) != 0) return NULL;
	PyObject *code = Py_CompileStringObject(PyBytes_AS_STRING(bytes), file, Py_file_input, &flags, -1);
	return code == NULL ? NULL : PyEval_EvalCode(code, names, names);
}

/* Directories and archives are run by what they import, which the hook sees. */
static PyObject *run_main(char *script) {
	char directory[PATH_MAX];
	struct stat s;
	if (options.module != NULL) return getcwd(directory, sizeof directory) == NULL || set_first_path(directory) != 0 ? NULL : run_module(options.module, 1);
	const char *dot = strrchr(script, '.');
	if (stat(script, &s) != 0) fail(USAGE, NULL, "can't open file '%s': [Errno %d] %m", script, errno);
	if (!S_ISDIR(s.st_mode) && (dot == NULL || word_index(dot, ".pyz .zip") < 0)) return run_script(script);
	return realpath(script, directory) == NULL || set_first_path(directory) != 0 ? NULL : run_module("__main__", 0);
}

int main(int count, char **words) {
	const char *launch = getenv("SIGTOOL_LAUNCH"), *const dropped[] = {"SIGTOOL_LAUNCH", "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_MODULES", "OPENSSL_ENGINES"};
	rules.development = SPYTHON_DEVELOPMENT;
	parse_options(words + (count > 0));
	if (launch != NULL && strcmp(launch, "3:4") == 0) read_record();
	for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) unsetenv(dropped[i]); /* else libcrypto loads what they name */
	start_verifier();
	char *script = *options.words;
	if (options.module != NULL) *++options.words = "-m";
	start_python(count - (int)(options.words - words), options.words);
	const int failed = run_main(script) == NULL, interrupted = failed && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
	if (failed) PyErr_Print(); /* exits for SystemExit */
	const int finished = Py_FinalizeEx();
	if (interrupted && signal(SIGINT, SIG_DFL) != SIG_ERR) kill(getpid(), SIGINT);
	return finished < 0 ? 120 : failed;
}
