/* The audit hook (PEP 578): refuses what goes round the open-code hook or ends it, and records what the policy selects.
 * Most events are neither, so that what they cost is one look-up. */
#define _GNU_SOURCE
#include "python.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

typedef int check(const char *event, PyObject *arguments);
enum { SLOTS = 256, MAX_DETAIL = 512 };

static struct slot {
	const char *name;
	check *check;
	int selected;
} slots[SLOTS];
static int all_selected;

static PyObject *argument(PyObject *arguments, Py_ssize_t at) {
	return arguments != NULL && PyTuple_Check(arguments) && at < PyTuple_GET_SIZE(arguments) ? PyTuple_GET_ITEM(arguments, at) : Py_None;
}

/* Text and whole numbers as they are, of the rest the type: nothing here may call what a program defines. */
static void describe(PyObject *arguments, char *detail) {
	size_t length = 0;
	*detail = 0;
	for (Py_ssize_t i = 0; arguments != NULL && PyTuple_Check(arguments) && i < PyTuple_GET_SIZE(arguments) && length < MAX_DETAIL - 8; i++) {
		PyObject *value = PyTuple_GET_ITEM(arguments, i), *bytes = NULL;
		int overflow;
		const size_t room = MAX_DETAIL - length;
		const char *comma = i == 0 ? "" : ", ";
		if (PyUnicode_CheckExact(value) && (bytes = PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape")) == NULL) PyErr_Clear();
		if (bytes != NULL) length += (size_t)snprintf(detail + length, room, "%s%s", comma, PyBytes_AS_STRING(bytes));
		else if (PyBytes_CheckExact(value)) length += (size_t)snprintf(detail + length, room, "%s%s", comma, PyBytes_AS_STRING(value));
		else if (PyLong_CheckExact(value)) length += (size_t)snprintf(detail + length, room, "%s%lld", comma, PyLong_AsLongLongAndOverflow(value, &overflow));
		else length += (size_t)snprintf(detail + length, room, "%s%s", comma, value == Py_None ? "None" : Py_TYPE(value)->tp_name);
		Py_XDECREF(bytes);
	}
}

static void raise_python(const char *event, enum verdict verdict, PyObject *arguments) {
	char name[128] = "python.", detail[MAX_DETAIL];
	snprintf(name + 7, sizeof name - 7, "%s", event);
	for (char *c = name; *c != 0; c++)
		if (!Py_ISALNUM(*c) && *c != '.' && *c != '_') *c = '_';
	describe(arguments, detail);
	raise_event(name, verdict, "detail", *detail ? detail : NULL, "reason", verdict == ALLOW ? NULL : "ERR_RUNTIME_RULE", NULL);
}

static int veto(const char *event, PyObject *arguments, const char *why) {
	const enum verdict verdict = rules.mode >= MODE_ENFORCE ? REFUSE : AUDIT;
	raise_python(event, verdict, arguments);
	return verdict == AUDIT ? 1 : refuse("Cannot go on with %s: %s (ERR_RUNTIME_RULE)", event, why);
}

static int refuse_hook(const char *event, PyObject *arguments) { return veto(event, arguments, "the hooks are spython's"); }
static int refuse_other_hooks(const char *event, PyObject *arguments) { return rules.audit_hooks ? 0 : veto(event, arguments, "the policy says python.auditHooks: refuse"); }

static int refuse_run(const char *event, PyObject *arguments) {
	raise_python(event, rules.mode >= MODE_ENFORCE ? REFUSE : AUDIT, arguments);
	return rules.mode >= MODE_ENFORCE ? refuse("'%s' is disabled by policy", event + strlen("cpython.")) : 1;
}

static int judge_child(const char *event, PyObject *arguments) {
	if (rules.children == CHILDREN_REFUSE) return veto(event, arguments, "child processes are refused, as nothing would verify what they load; os.fork works (policy: runtime.children)");
	if (rules.children == CHILDREN_AUDIT) raise_python(event, AUDIT, arguments);
	return rules.children == CHILDREN_AUDIT;
}

static int judge_native(const char *path) {
	if (!rules.extensions && rules.mode >= MODE_ENFORCE) {
		raise_event("module.dlopen", REFUSE, "path", path, "reason", "ERR_RUNTIME_RULE", NULL);
		return refuse("Cannot load '%s': the policy says python.extensions: refuse (ERR_RUNTIME_RULE)", path);
	}
	PyObject *bytes = open_verified(path, "module.dlopen", NULL, NULL);
	Py_XDECREF(bytes);
	return bytes == NULL ? -1 : 1;
}

/* With a file name the event comes before an extension module's dlopen(3). */
static int judge_import(const char *event, PyObject *arguments) {
	PyObject *name = argument(arguments, 0), *file = argument(arguments, 1), *path;
	if (file == Py_None) {
		int starts_children = rules.children == CHILDREN_REFUSE && PyUnicode_Check(name) &&
			(PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_spawn_posix") == 0 || PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_forkserver") == 0);
		return starts_children ? judge_child(event, arguments) : 0;
	}
	if (!PyUnicode_FSConverter(file, &path)) return -1;
	int answer = judge_native(PyBytes_AS_STRING(path));
	Py_DECREF(path);
	return answer < 0 ? answer : 0;
}

/* A name without a slash is for the system's loader to find; null is the program itself. */
static int judge_library(const char *event, PyObject *arguments) {
	PyObject *library = argument(arguments, strcmp(event, "sqlite3.load_extension") == 0), *path;
	if (library == Py_None) return 0;
	if (!PyUnicode_FSConverter(library, &path)) return -1;
	const char *name = PyBytes_AS_STRING(path);
	int answer = 0;
	if (strchr(name, '/') != NULL) answer = judge_native(name);
	else if (rules.mode == MODE_STRICT || !rules.extensions || argument(arguments, 0) != library) answer = veto(event, arguments, "it names no file");
	else raise_event("module.dlopen", ALLOW, "path", name, NULL);
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
	if (access == O_RDONLY && PyUnicode_CheckExact(file)) {
		const Py_ssize_t length = PyUnicode_GET_LENGTH(file);
		const Py_UCS4 last = length > 4 ? PyUnicode_READ_CHAR(file, length - 1) : 0;
		if (last != 'c' && last != 'm') return 0;
	}
	if (!PyUnicode_FSConverter(file, &path)) return PyErr_Clear(), 0;
	const char *name = PyBytes_AS_STRING(path), *why = NULL;
	const size_t length = strlen(name);
	if (access != O_WRONLY && length > 4 && strcmp(name + length - 4, ".pyc") == 0) why = "bytecode is read by the hook only, which this loader passes by";
	else if (access != O_RDONLY && is_memory(name))
		why = "memory of a process is not for writing";
	Py_DECREF(path);
	return why == NULL ? 0 : veto(event, arguments, why);
}

static struct slot *slot_of(const char *name) {
	uint32_t hash = 2166136261;
	for (const char *c = name; *c != 0; c++) hash = (hash ^ (uint8_t)*c) * 16777619;
	struct slot *slot = &slots[(hash ^ hash >> 16) % SLOTS];
	while (slot->name != NULL && strcmp(slot->name, name) != 0)
		if (++slot == slots + SLOTS) slot = slots;
	return slot;
}

static void add(const char *name, check *check, int selected) {
	static size_t count;
	struct slot *slot = slot_of(name);
	if (slot->name == NULL && ++count > SLOTS / 2) fail(REFUSED, "ERR_POLICY", "Cannot use the policy: python.events has more than %d names", SLOTS / 2 - 32);
	*slot = (struct slot){name, check == NULL ? slot->check : check, selected | slot->selected};
}

void prepare_audit(void) {
	static const struct { const char *name; check *check; } CHECKS[] = {
		{"setopencodehook", refuse_hook}, {"sys.addaudithook", refuse_other_hooks}, {"open", judge_open}, {"import", judge_import},
		{"ctypes.dlopen", judge_library}, {"sqlite3.load_extension", judge_library}, {"subprocess.Popen", judge_child}, {"os.exec", judge_child},
		{"os.posix_spawn", judge_child}, {"os.spawn", judge_child}, {"os.system", judge_child}, {"pty.spawn", judge_child},
		{"cpython.run_command", refuse_run}, {"cpython.run_stdin", refuse_run}, {"cpython.run_interactivehook", refuse_run}, {"cpython.run_startup", refuse_run}};
	for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) add(CHECKS[i].name, CHECKS[i].check, 0);
	EACH(event, rules.events) {
		if (event->kind != JSON_STRING) fail(REFUSED, "ERR_POLICY", "Cannot use the policy: python.events holds what is no name");
		if (strcmp(event->text, "*") == 0) all_selected = 1;
		else add(event->text, NULL, 1);
	}
}

/* A check answers 0 when the event is to be recorded if it is selected, 1 when that is done, -1 for a refusal. */
int on_audit(const char *event, PyObject *arguments, void *unused) {
	(void)unused;
	const struct slot *slot = slot_of(event);
	const int answer = slot->check == NULL ? 0 : slot->check(event, arguments);
	if (answer == 0 && (slot->selected || all_selected)) raise_python(event, ALLOW, arguments);
	return answer < 0 ? -1 : 0;
}
