/* The audit hook (PEP 578). Guarantees that attempts to load code past the open-code hook, or to
 * disable a hook, are refused if CPython raises an event for them. Also guarantees that the events
 * which the policy selects are recorded. All other events, which are most, cost one look-up in a
 * table. */
#define _GNU_SOURCE
#include "spython.h"
#include "code-makers.h"
#include "end.h"
#include "making.h"
#include "veto.h"
#include <fcntl.h>
#include <stdbool.h>

enum {
	SLOTS = 512,
	MAX_USED_SLOTS = SLOTS / 2, /* a limit so that most look-ups end at the first slot */
};

/* Judges an event, and returns a result from the list in veto.h. `why` is the reason for a
 * refusal. */
typedef int check_event(const char *event, PyObject *arguments, const char *why);

/* A hash table of events with open addressing. prepare_audit() fills it, and afterwards it does not
 * change. */
static struct slot {
	const char *name; /* null if the slot is free */
	check_event *check; /* null if there is nothing to judge */
	const char *why; /* the `why` of the check; null if the check has another reason */
	bool is_selected; /* the policy selects the event for recording */
} slots[SLOTS];
static bool is_all_selected;

static bool is_text(PyObject *name)
{
	return PyUnicode_Check(name) || PyBytes_Check(name);
}

/* Refuses a child process. The program may go on without it: many libraries try one at import, and
 * catch the error. Only the policy makes that end the process. */
static int veto_child(const char *event, PyObject *arguments, const char *why)
{
	return veto_and(rules.children == CHILDREN_EXIT, event, arguments, why);
}

/* Refuses sqlite3.enable_load_extension(True) and load_extension(), because SQL could then load any
 * library without an event. Connection.setconfig() raises no event, but it enables only the method
 * load_extension(), which raises one. */
static int check_sqlite(const char *event, PyObject *arguments, const char *why)
{
	if (argument_of(arguments, 1) == Py_False)
		return NO_OBJECTION;
	return veto(event, arguments, why);
}

/* Refuses to set environment variables by which the program's own libcrypto, libc's iconv and Tcl
 * load code. At the start of the process start.c drops them from `environ`. */
static int check_variable(const char *event, PyObject *arguments, const char *why)
{
	PyObject *name = argument_of(arguments, 0);
	/* os.putenv raises its event with bytes. Any other type is refused. */
	const char *text = PyBytes_CheckExact(name) ? PyBytes_AS_STRING(name) : "OPENSSL_";
	const bool loads_code = strncmp(text, "OPENSSL_", 8) == 0 || strncmp(text, "TCL", 3) == 0 ||
		strcmp(text, "TK_LIBRARY") == 0 || strcmp(text, "GCONV_PATH") == 0;
	if (!loads_code)
		return NO_OBJECTION;
	return veto(event, arguments, why);
}

/* Judges the start of a child process by runtime.children of the policy. */
static int check_child(const char *event, PyObject *arguments, const char *why)
{
	if (refuses_children())
		return veto_child(event, arguments, why);
	if (rules.children == CHILDREN_AUDIT) {
		record(event, RECORD, arguments);
		return RECORDED;
	}
	return NO_OBJECTION;
}

/* Judges native code that is about to be loaded. If `may_be_searched` is true, a name without a
 * slash is not judged, because the system's loader looks for it in the system's own directories.
 * Strict mode refuses such a name. */
static int judge_native(
	const char *event, PyObject *arguments, PyObject *file, bool may_be_searched)
{
	PyObject *path;
	int answer = NO_OBJECTION;
	if (!PyUnicode_FSConverter(file, &path))
		return REFUSED_EVENT;
	const char *name = PyBytes_AS_STRING(path);
	const bool has_slash = strchr(name, '/') != NULL;
	const bool is_searched = may_be_searched && !has_slash;
	char here[PATH_MAX]; /* the path by which Python loads a module in the working directory */
	if (!may_be_searched && !has_slash) {
		snprintf(here, sizeof here, "./%s", name);
		name = here;
	}
	const char *objection = objection_to_name(name, is_searched);
	if (objection != NULL)
		answer = veto(event, arguments, objection);
	else if (!is_searched)
		answer = prepare_library(name) == 0 ? NO_OBJECTION : REFUSED_EVENT;
	Py_DECREF(path);
	return answer;
}

/* Returns true if a module makes code that nothing can judge, and gives it to whoever asks. Its
 * file may have any path, but not another last part of the name: Python calls PyInit_NAME. */
static bool makes_code_unseen(PyObject *name)
{
	static const char MAKER[] = "_testinternalcapi"; /* since 3.12 */
	const char *text = is_judged() && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
	PyErr_Clear();
	const char *dot = text == NULL ? NULL : strrchr(text, '.');
	return text != NULL && strcmp(dot == NULL ? text : dot + 1, MAKER) == 0;
}

/* Judges an import. For an extension module the event contains the file, and is raised before
 * dlopen(3). For other modules the event contains no file, and the open-code hook judges their
 * code. But two modules of multiprocessing start child processes without an event. If the rules
 * refuse child processes, the import of these two is refused here. */
static int check_import(const char *event, PyObject *arguments, const char *why)
{
	PyObject *name = argument_of(arguments, 0);
	PyObject *file = argument_of(arguments, 1);
	if (file != Py_None && makes_code_unseen(name))
		return veto(
			event, arguments, "it makes code that nothing can judge (policy: python.stringCode)");
	if (file != Py_None)
		return judge_native(event, arguments, file, false);
	if (!refuses_children() || !PyUnicode_Check(name))
		return NO_OBJECTION;
	if (PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_spawn_posix") == 0 ||
		PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_forkserver") == 0)
		return veto_child(event, arguments, why);
	return NO_OBJECTION;
}

/* Judges a library that ctypes is about to load. None means the program itself. An object with
 * __fspath__ is refused, because it could give ctypes another path than the one judged here. */
static int check_library(const char *event, PyObject *arguments, const char *why)
{
	PyObject *library = argument_of(arguments, 0);
	if (library == Py_None)
		return NO_OBJECTION;
	if (!is_text(library))
		return veto(event, arguments, why);
	return judge_native(event, arguments, library, true);
}

/* Judges a file that `imp` or `pkgutil` open to make code of it. */
static int judge_imp(PyObject *file)
{
	PyObject *path;
	if (!PyUnicode_FSConverter(file, &path))
		return REFUSED_EVENT;
	PyObject *bytes = open_verified(PyBytes_AS_STRING(path), "module.open_code", "module", NULL);
	Py_DECREF(path);
	Py_XDECREF(bytes);
	return bytes == NULL ? REFUSED_EVENT : NO_OBJECTION;
}

/* Refuses to open bytecode for reading, for the reason `why`. The open-code hook reads bytecode
 * without raising this event, so a loader that raises it bypasses the hook. opened-files.c judges
 * what is opened for writing. A number is a descriptor, but an object of a subclass of int can have
 * a path. Without memory to know the path, the opening fails. */
static int check_open(const char *event, PyObject *arguments, const char *why)
{
	PyObject *file = argument_of(arguments, 0);
	PyObject *flags = argument_of(arguments, 2);
	PyObject *path;
	if (!PyLong_Check(flags) || PyLong_CheckExact(file) || file == Py_None)
		return NO_OBJECTION;
	const int access = (int)PyLong_AsLong(flags) & O_ACCMODE;
	if (is_opened_by_imp())
		return judge_imp(file);
	/* Nearly all files are opened for reading and have a name that does not end in "c". These need
	 * no further check. */
	const Py_ssize_t length = PyUnicode_CheckExact(file) ? PyUnicode_GET_LENGTH(file) : 0;
	if (access == O_WRONLY || (length > 0 && PyUnicode_READ_CHAR(file, length - 1) != 'c'))
		return NO_OBJECTION;
	if (!PyUnicode_FSConverter(file, &path)) {
		if (!PyErr_ExceptionMatches(PyExc_TypeError))
			return REFUSED_EVENT;
		PyErr_Clear(); /* it is a descriptor, or nothing that can be opened */
		return NO_OBJECTION;
	}
	const char *suffix = strrchr(PyBytes_AS_STRING(path), '.');
	const bool is_bytecode = suffix != NULL && strcmp(suffix, ".pyc") == 0;
	/* Nothing can be loaded from a file that is not there. pytest looks for bytecode of its own. */
	const bool is_there = is_bytecode && faccessat(AT_FDCWD, PyBytes_AS_STRING(path), F_OK, 0) == 0;
	Py_DECREF(path);
	if (!is_bytecode)
		return NO_OBJECTION;
	return veto_and(rules.exit_on_refusal && is_there, event, arguments, why);
}

/* Takes notice that CPython frees this hook. */
static int check_end(const char *event, PyObject *arguments, const char *Py_UNUSED(why))
{
	if (!is_forged(event, arguments))
		note_end();
	return NO_OBJECTION;
}

/* Returns the slot with this name, or the free slot for it. There is one, because the table is
 * never full. */
static struct slot *slot_of(const char *name)
{
	uint32_t hash = 2166136261; /* FNV-1a */
	for (const char *c = name; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619;
	size_t at = hash % SLOTS;
	while (slots[at].name != NULL && strcmp(slots[at].name, name) != 0)
		at = (at + 1) % SLOTS;
	return &slots[at];
}

/* Selects the events of a list for recording. `used` is a bound of the slots that are in use.
 * Returns the new bound. */
static size_t select_events(const struct json *events, size_t used)
{
	EACH(event, events) {
		used++;
		if (used > MAX_USED_SLOTS)
			fail(REFUSED, "ERR_POLICY",
				"Cannot use the policy: python.events has more than 200 names");
		struct slot *slot = slot_of(event->text);
		slot->name = event->text;
		slot->is_selected = true;
		if (strcmp(event->text, "*") == 0)
			is_all_selected = true;
	}
	return used;
}

void prepare_audit(void)
{
	static const char BYTECODE[] = "bytecode is for the hook to read, which this loader passes by";
	static const char CHILD[] = "child processes are refused, as nothing verifies what they load; "
								"os.fork works (policy: runtime.children)";
	static const char HOOK[] = "the hook is spython's";
	static const char HOOKS[] = "the policy says python.auditHooks: refuse";
	static const char REMOTE[] = "it runs a file in a process, past the hooks (PEP 768)";
	static const char SQL[] = "SQL could load any library";
	static const char UNSTEADY[] = "it is no text, and could say another path each time";
	static const char VARIABLE[] = "native code would be loaded from what it names";
	const struct {
		const char *event;
		check_event *check;
		const char *why;
	} checks[] = {
		{"open", check_open, BYTECODE},
		{"import", check_import, CHILD},
		{"compile", check_compile, NULL},
		{"marshal.loads", check_marshalled, NULL},
		{"ctypes.dlopen", check_library, UNSTEADY},
		{"sqlite3.load_extension", check_sqlite, SQL},
		{"sqlite3.enable_load_extension", check_sqlite, SQL},
		{"cpython._PySys_ClearAuditHooks", check_end, NULL},
		{"setopencodehook", veto, HOOK},
		{"sys.addaudithook", rules.audit_hooks ? NULL : veto, HOOKS},
		{"subprocess.Popen", check_child, CHILD},
		{"os.exec", check_child, CHILD},
		{"os.posix_spawn", check_child, CHILD},
		{"os.system", check_child, CHILD},
		{"pty.spawn", check_child, CHILD},
		{"os.putenv", check_variable, VARIABLE},
		{"sys.remote_exec", veto, REMOTE},
		{"cpython.remote_debugger_script", veto, REMOTE},
		{"cpython.run_command", veto, HOOK},
		{"cpython.run_stdin", veto, HOOK},
		{"cpython.run_interactivehook", veto, HOOK},
		{"cpython.run_startup", veto, HOOK},
	};
	size_t used = sizeof checks / sizeof *checks;
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		struct slot *slot = slot_of(checks[i].event);
		slot->name = checks[i].event;
		slot->check = checks[i].check;
		slot->why = checks[i].why;
	}
	/* The names in the policy are added to the default, so that no selection hides what attacks the
	 * hooks. */
	used = select_events(POLICY[POLICY_PYTHON_EVENTS].otherwise, used);
	select_events(rules.events, used);
}

int on_audit(const char *event, PyObject *arguments, void *Py_UNUSED(data))
{
	const struct slot *slot = slot_of(event);
	int answer = NO_OBJECTION;
	if (slot->check != NULL)
		answer = slot->check(event, arguments, slot->why);
	if (answer == NO_OBJECTION && (slot->is_selected || is_all_selected))
		record(event, ALLOW, arguments);
	return answer == REFUSED_EVENT ? -1 : 0;
}
