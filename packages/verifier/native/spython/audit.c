/* The audit hook (PEP 578): refuses what goes round the open-code hook or ends it, and records what the policy selects.
 * Most events are neither, so that what they cost is one look-up. */
#define _GNU_SOURCE
#include "spython.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

enum { SLOTS = 512, MAX_DETAIL = 512 };
/* A check answers 0: to be recorded where it is selected; 1: recorded already; -1: refused. */
static struct slot {
	const char *name;
	int (*check)(const char *event, PyObject *arguments), selected;
} slots[SLOTS];
static int all_selected;

static PyObject *argument(PyObject *arguments, Py_ssize_t at) {
	return arguments != NULL && PyTuple_Check(arguments) && at < PyTuple_GET_SIZE(arguments) ? PyTuple_GET_ITEM(arguments, at) : Py_None;
}

/* Text and whole numbers as they are, of code its file, of the rest the type: nothing here may call what a program defines. */
static void describe(PyObject *arguments, char detail[MAX_DETAIL]) {
	const Py_ssize_t count = arguments != NULL && PyTuple_Check(arguments) ? PyTuple_GET_SIZE(arguments) : 0;
	size_t length = 0;
	int overflow;
	for (Py_ssize_t i = *detail = 0; i < count && length < MAX_DETAIL - 8; i++) {
		PyObject *value = PyTuple_GET_ITEM(arguments, i), *text_of = PyCode_Check(value) ? ((PyCodeObject *)value)->co_filename : value;
		PyObject *bytes = PyUnicode_CheckExact(text_of) ? PyUnicode_AsEncodedString(text_of, "utf-8", "surrogateescape") : NULL;
		char number[24];
		snprintf(number, sizeof number, "%lld", PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : 0);
		const char *text = bytes != NULL ? PyBytes_AS_STRING(bytes) : PyBytes_CheckExact(value) ? PyBytes_AS_STRING(value) : PyLong_CheckExact(value) ? number :
			value == Py_None ? "None" : Py_TYPE(value)->tp_name;
		length += (size_t)snprintf(detail + length, MAX_DETAIL - length, "%s%s%s", i == 0 ? "" : ", ", text_of == value ? "" : "code ", text);
		Py_XDECREF(bytes);
		PyErr_Clear();
	}
}

static void record(const char *event, enum verdict verdict, PyObject *arguments) {
	char name[128], detail[MAX_DETAIL];
	snprintf(name, sizeof name, "python.%s", event);
	for (char *c = name; *c != 0; c++)
		if (!Py_ISALNUM(*c) && *c != '.') *c = '_';
	describe(arguments, detail);
	raise_event(name, verdict, "detail", *detail ? detail : NULL, "reason", verdict == ALLOW ? NULL : "ERR_RUNTIME_RULE", NULL);
}

static int veto(const char *event, PyObject *arguments, const char *why) {
	const int enforcing = rules.mode >= MODE_ENFORCE;
	record(event, enforcing ? REFUSE : AUDIT, arguments);
	if (!enforcing) return 1;
	return strncmp(event, "cpython.", 8) == 0 ? refuse("'%s' is disabled by policy", event + 8) : refuse("Cannot go on with %s: %s (ERR_RUNTIME_RULE)", event, why);
}

static int refuse_always(const char *event, PyObject *arguments) { return veto(event, arguments, "the hook is spython's"); }
static int judge_hook(const char *event, PyObject *arguments) { return rules.audit_hooks ? 0 : veto(event, arguments, "the policy says python.auditHooks: refuse"); }

/* SQL, too, could load any library by no event where that is enabled; Connection.setconfig() enables the method alone, by none. */
static int judge_sqlite(const char *event, PyObject *arguments) { return argument(arguments, 1) == Py_False ? 0 : veto(event, arguments, "SQL could load any library"); }

/* The program's own libcrypto loads what these name. */
static int judge_variable(const char *event, PyObject *arguments) {
	PyObject *name = argument(arguments, 0);
	const int is_other = PyBytes_CheckExact(name) && strncmp(PyBytes_AS_STRING(name), "OPENSSL_", 8) != 0;
	return is_other ? 0 : veto(event, arguments, "OpenSSL would load what it names");
}

static int judge_child(const char *event, PyObject *arguments) {
	if (rules.children == CHILDREN_REFUSE) return veto(event, arguments, "child processes are refused, as nothing verifies what they load; os.fork works (policy: runtime.children)");
	if (rules.children == CHILDREN_AUDIT) record(event, AUDIT, arguments);
	return rules.children == CHILDREN_AUDIT;
}

static int is_text(PyObject *name) { return PyUnicode_Check(name) || PyBytes_Check(name); }

/* The loader puts other directories for `$LIB` and its like. */
static int judge_native(const char *event, PyObject *arguments, const char *path) {
	if (!rules.extensions) return veto(event, arguments, "the policy says python.extensions: refuse");
	if (strchr(path, '$') != NULL) return veto(event, arguments, "its path has a $, which the system's loader replaces");
	PyObject *bytes = open_verified(path, "module.dlopen", NULL, NULL);
	Py_XDECREF(bytes);
	return bytes == NULL ? -1 : 0;
}

/* With a file the event comes before an extension module's dlopen(3). */
static int judge_import(const char *event, PyObject *arguments) {
	PyObject *name = argument(arguments, 0), *file = argument(arguments, 1), *path;
	if (file == Py_None) {
		const int starts_children = rules.children == CHILDREN_REFUSE && PyUnicode_Check(name) && (PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_spawn_posix") == 0 ||
			PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_forkserver") == 0);
		return starts_children ? judge_child(event, arguments) : 0;
	}
	if (!PyUnicode_FSConverter(file, &path)) return -1;
	const int answer = judge_native(event, arguments, PyBytes_AS_STRING(path));
	Py_DECREF(path);
	return answer;
}

/* What has __fspath__ was asked before, and may answer otherwise now. A name without a slash is for the system's loader to find, which strict does not have; null is the program itself. */
static int judge_library(const char *event, PyObject *arguments) {
	PyObject *library = argument(arguments, 0), *path;
	if (library == Py_None) return 0;
	if (!is_text(library)) return veto(event, arguments, "it is no text, and could say another path each time");
	if (!PyUnicode_FSConverter(library, &path)) return -1;
	const char *name = PyBytes_AS_STRING(path);
	const int is_found = strchr(name, '/') == NULL && rules.extensions;
	const int answer = !is_found ? judge_native(event, arguments, name) : rules.mode == MODE_STRICT ? veto(event, arguments, "it names no file") : 0;
	Py_DECREF(path);
	return answer;
}

/* `/proc/PID/mem` by whatever links. A relative name may be one beside a directory's descriptor, which the event does not tell. */
static int is_memory(const char *path) {
	const char *slash = strrchr(path, '/');
	char real[PATH_MAX];
	struct statfs system;
	if (realpath(path, real) == NULL) return *path != '/' && strcmp(slash == NULL ? path : slash + 1, "mem") == 0;
	return strcmp(strrchr(real, '/'), "/mem") == 0 && statfs(real, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* A .pyc that is read, and not by the hook, goes to a loader past it. Memory of processes is not for writing. */
static int judge_open(const char *event, PyObject *arguments) {
	PyObject *file = argument(arguments, 0), *flags = argument(arguments, 2), *path;
	if (!PyLong_Check(flags) || PyLong_Check(file) || file == Py_None) return 0;
	const int access = (int)PyLong_AsLong(flags) & O_ACCMODE;
	const Py_ssize_t count = PyUnicode_CheckExact(file) ? PyUnicode_GET_LENGTH(file) : 0;
	if (access != O_RDONLY && !is_text(file)) return veto(event, arguments, "it is no text, and could say another path each time");
	if (access == O_RDONLY && count > 0 && PyUnicode_READ_CHAR(file, count - 1) != 'c') return 0;
	if (!PyUnicode_FSConverter(file, &path)) return PyErr_Clear(), 0;
	const char *name = PyBytes_AS_STRING(path), *dot = strrchr(name, '.'), *why = NULL;
	if (access != O_WRONLY && dot != NULL && strcmp(dot, ".pyc") == 0) why = "bytecode is for the hook to read, which this loader passes by";
	else if (access != O_RDONLY && is_memory(name)) why = "memory of a process is not for writing";
	Py_DECREF(path);
	return why == NULL ? 0 : veto(event, arguments, why);
}

static struct slot *slot_of(const char *name) {
	uint32_t hash = 2166136261;
	for (const char *c = name; *c != 0; c++) hash = (hash ^ (uint8_t)*c) * 16777619;
	struct slot *slot = &slots[hash % SLOTS];
	while (slot->name != NULL && strcmp(slot->name, name) != 0) slot = slot == slots + SLOTS - 1 ? slots : slot + 1;
	return slot;
}

void prepare_audit(void) {
	static const struct slot CHECKS[] = {
		{"open", judge_open, 0}, {"import", judge_import, 0}, {"ctypes.dlopen", judge_library, 0}, {"sqlite3.load_extension", judge_sqlite, 0}, {"sqlite3.enable_load_extension", judge_sqlite, 0},
		{"setopencodehook", refuse_always, 0}, {"sys.addaudithook", judge_hook, 0}, {"subprocess.Popen", judge_child, 0}, {"os.exec", judge_child, 0},
		{"os.posix_spawn", judge_child, 0}, {"os.system", judge_child, 0}, {"os.putenv", judge_variable, 0}, {"pty.spawn", judge_child, 0}, {"cpython.run_command", refuse_always, 0},
		{"cpython.run_stdin", refuse_always, 0}, {"cpython.run_interactivehook", refuse_always, 0}, {"cpython.run_startup", refuse_always, 0}};
	size_t count = 0;
	for (; count < sizeof CHECKS / sizeof *CHECKS; count++) *slot_of(CHECKS[count].name) = CHECKS[count];
	EACH(event, rules.events) {
		struct slot *slot = slot_of(event->text);
		if (++count > SLOTS / 2) fail(REFUSED, "ERR_POLICY", "Cannot use the policy: python.events has more than 200 names");
		all_selected |= strcmp(event->text, "*") == 0;
		slot->name = event->text;
		slot->selected = 1;
	}
}

int on_audit(const char *event, PyObject *arguments, void *unused) {
	(void)unused;
	const struct slot *slot = slot_of(event);
	const int answer = slot->check == NULL ? 0 : slot->check(event, arguments);
	if (answer == 0 && (slot->selected || all_selected)) record(event, ALLOW, arguments);
	return answer < 0 ? -1 : 0;
}
