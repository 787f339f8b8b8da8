/* The audit hook (PEP 578): refuses what goes round the open-code hook or ends it, and records what
 * the policy selects. Most events are neither, so that what they cost is one look-up. */
#define _GNU_SOURCE
#include "spython.h"
#include "../linked-libraries.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

enum { SLOTS = 512, MAX_DETAIL = 512 };
/* A check answers 0: to be recorded where it is selected; 1: recorded already; -1: refused. `why`
 * is the refusal's, where it has one. */
static struct slot {
	const char *name;
	int (*check)(const char *event, PyObject *arguments, const char *why), selected;
	const char *why;
} slots[SLOTS];
static int all_selected;

static PyObject *argument(PyObject *arguments, Py_ssize_t at)
{
	return arguments != NULL && PyTuple_Check(arguments) && at < PyTuple_GET_SIZE(arguments)
			   ? PyTuple_GET_ITEM(arguments, at)
			   : Py_None;
}

/* Of its arguments text and whole numbers as they are, of code its file, of the rest the type:
 * nothing here may call what a program defines. */
static void record(const char *event, enum verdict verdict, PyObject *arguments)
{
	const Py_ssize_t count =
		arguments != NULL && PyTuple_Check(arguments) ? PyTuple_GET_SIZE(arguments) : 0;
	char name[128], detail[MAX_DETAIL] = "";
	size_t length = 0;
	for (Py_ssize_t i = 0; i < count && length < MAX_DETAIL - 8; i++) {
		PyObject *value = PyTuple_GET_ITEM(arguments, i),
				 *shown = PyCode_Check(value) ? ((PyCodeObject *)value)->co_filename : value;
		const int is_plain =
			PyUnicode_CheckExact(shown) || PyLong_CheckExact(shown) || shown == Py_None;
		PyObject *text = is_plain ? PyObject_Str(shown) : NULL,
				 *bytes = text == NULL
							  ? NULL
							  : PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
		const char *says = bytes != NULL               ? PyBytes_AS_STRING(bytes)
						   : PyBytes_CheckExact(value) ? PyBytes_AS_STRING(value)
													   : Py_TYPE(value)->tp_name;
		length += (size_t)snprintf(detail + length, MAX_DETAIL - length, "%s%s%s",
			i == 0 ? "" : ", ", shown == value ? "" : "code ", says);
		Py_XDECREF(text);
		Py_XDECREF(bytes);
		PyErr_Clear();
	}
	snprintf(name, sizeof name, "python.%s", event);
	raise_event(name, verdict, "detail", detail, "reason",
		verdict == ALLOW ? NULL : "ERR_RUNTIME_RULE", NULL);
}

static int veto(const char *event, PyObject *arguments, const char *why)
{
	const int enforcing = rules.mode >= MODE_ENFORCE;
	record(event, enforcing ? REFUSE : AUDIT, arguments);
	if (!enforcing)
		return 1;
	return strncmp(event, "cpython.", 8) == 0
			   ? refuse("'%s' is disabled by policy", event + 8)
			   : refuse("Cannot go on with %s: %s (ERR_RUNTIME_RULE)", event, why);
}

/* SQL, too, could load any library by no event where that is enabled; Connection.setconfig()
 * enables the method alone, by none. */
static int judge_sqlite(const char *event, PyObject *arguments, const char *why)
{
	return argument(arguments, 1) == Py_False ? 0 : veto(event, arguments, why);
}

/* The program's own libcrypto, libc's iconv and Tcl load what these name, as start.c has it of
 * those that it is started with. */
static int judge_variable(const char *event, PyObject *arguments, const char *why)
{
	PyObject *name = argument(arguments, 0);
	const char *text = PyBytes_CheckExact(name) ? PyBytes_AS_STRING(name) : "OPENSSL_";
	const int is_one = strncmp(text, "OPENSSL_", 8) == 0 || strncmp(text, "TCL", 3) == 0 ||
					   strcmp(text, "TK_LIBRARY") == 0 || strcmp(text, "GCONV_PATH") == 0;
	return is_one ? veto(event, arguments, why) : 0;
}

static int judge_child(const char *event, PyObject *arguments, const char *why)
{
	if (rules.children == CHILDREN_REFUSE)
		return veto(event, arguments, why);
	if (rules.children == CHILDREN_AUDIT)
		record(event, AUDIT, arguments);
	return rules.children == CHILDREN_AUDIT;
}

static int is_text(PyObject *name)
{
	return PyUnicode_Check(name) || PyBytes_Check(name);
}

/* What is named by an absolute path outside of all products is the system's. */
static bool judge_linked(const char *path, bool is_beside)
{
	void *loaded = NULL;
	if ((!is_beside && find_entry(path).product == NULL) ||
		(loaded = dlopen(path, RTLD_LAZY | RTLD_NOLOAD)) != NULL)
		return loaded == NULL || dlclose(loaded) == 0;
	PyObject *bytes = open_verified(path, "module.dlopen", NULL, NULL);
	Py_XDECREF(bytes);
	return bytes != NULL;
}

/* What the system's loader searches for has no slash, which strict does not have. In paths it puts
 * other directories for `$LIB` and its like. */
static int judge_native(const char *event, PyObject *arguments, PyObject *file, int may_be_searched)
{
	PyObject *path, *bytes = NULL;
	const char *why = NULL;
	if (!PyUnicode_FSConverter(file, &path))
		return -1;
	const char *name = PyBytes_AS_STRING(path);
	const int is_searched = may_be_searched && strchr(name, '/') == NULL;
	if (rules.refuses_extensions)
		why = "the policy says python.extensions: refuse";
	else if (strchr(name, '$') != NULL)
		why = "its path has a $, which the system's loader replaces";
	else if (is_searched && rules.mode == MODE_STRICT)
		why = "it names no file";
	else if (!is_searched && (bytes = open_verified(name, "module.dlopen", NULL, NULL)) != NULL &&
			 !each_linked_library(name, judge_linked)) {
		Py_CLEAR(bytes);
		if (!PyErr_Occurred())
			why = "it is linked to more than can be followed";
	}
	const int answer = why != NULL                    ? veto(event, arguments, why)
					   : is_searched || bytes != NULL ? 0
													  : -1;
	Py_XDECREF(bytes);
	Py_DECREF(path);
	return answer;
}

/* With a file the event comes before an extension module's dlopen(3). */
static int judge_import(const char *event, PyObject *arguments, const char *why)
{
	PyObject *name = argument(arguments, 0), *file = argument(arguments, 1);
	if (file != Py_None)
		return judge_native(event, arguments, file, 0);
	if (rules.children != CHILDREN_REFUSE || !PyUnicode_Check(name))
		return 0;
	const int starts_children =
		PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_spawn_posix") == 0 ||
		PyUnicode_CompareWithASCIIString(name, "multiprocessing.popen_forkserver") == 0;
	return starts_children ? veto(event, arguments, why) : 0;
}

/* What has __fspath__ was asked before, and may answer otherwise now. Null is the program itself.
 */
static int judge_library(const char *event, PyObject *arguments, const char *why)
{
	PyObject *library = argument(arguments, 0);
	if (library == Py_None)
		return 0;
	return is_text(library) ? judge_native(event, arguments, library, 1)
							: veto(event, arguments, why);
}

/* `/proc/PID/mem` by whatever links. A relative name may be one beside a directory's descriptor,
 * which the event does not tell. */
static int is_memory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char real[PATH_MAX];
	struct statfs system;
	if (realpath(path, real) == NULL)
		return *path != '/' && strcmp(slash == NULL ? path : slash + 1, "mem") == 0;
	return strcmp(strrchr(real, '/'), "/mem") == 0 && statfs(real, &system) == 0 &&
		   system.f_type == PROC_SUPER_MAGIC;
}

/* A .pyc that is read, and not by the hook, goes to a loader past it. Memory of processes is not
 * for writing. */
static int judge_open(const char *event, PyObject *arguments, const char *unsteady)
{
	PyObject *file = argument(arguments, 0), *flags = argument(arguments, 2), *path;
	if (!PyLong_Check(flags) || PyLong_Check(file) || file == Py_None)
		return 0;
	const int access = (int)PyLong_AsLong(flags) & O_ACCMODE;
	const Py_ssize_t count = PyUnicode_CheckExact(file) ? PyUnicode_GET_LENGTH(file) : 0;
	if (access != O_RDONLY && !is_text(file))
		return veto(event, arguments, unsteady);
	if (access == O_RDONLY && count > 0 && PyUnicode_READ_CHAR(file, count - 1) != 'c')
		return 0;
	if (!PyUnicode_FSConverter(file, &path))
		return PyErr_Clear(), 0;
	const char *name = PyBytes_AS_STRING(path), *dot = strrchr(name, '.'), *why = NULL;
	if (access != O_WRONLY && dot != NULL && strcmp(dot, ".pyc") == 0)
		why = "bytecode is for the hook to read, which this loader passes by";
	else if (access != O_RDONLY && is_memory(name))
		why = "memory of a process is not for writing";
	Py_DECREF(path);
	return why == NULL ? 0 : veto(event, arguments, why);
}

static struct slot *slot_of(const char *name)
{
	uint32_t hash = 2166136261;
	for (const char *c = name; *c != 0; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619;
	struct slot *slot = &slots[hash % SLOTS];
	while (slot->name != NULL && strcmp(slot->name, name) != 0)
		slot = slot == slots + SLOTS - 1 ? slots : slot + 1;
	return slot;
}

void prepare_audit(void)
{
	static const char CHILD[] = "child processes are refused, as nothing verifies what they load; "
								"os.fork works (policy: runtime.children)";
	static const char HOOK[] = "the hook is spython's",
					  UNSTEADY[] = "it is no text, and could say another path each time",
					  SQL[] = "SQL could load any library";
	const struct slot checks[] = {{"open", judge_open, 0, UNSTEADY},
		{"import", judge_import, 0, CHILD}, {"ctypes.dlopen", judge_library, 0, UNSTEADY},
		{"sqlite3.load_extension", judge_sqlite, 0, SQL},
		{"sqlite3.enable_load_extension", judge_sqlite, 0, SQL}, {"setopencodehook", veto, 0, HOOK},
		{"sys.addaudithook", rules.audit_hooks ? NULL : veto, 0,
			"the policy says python.auditHooks: refuse"},
		{"subprocess.Popen", judge_child, 0, CHILD}, {"os.exec", judge_child, 0, CHILD},
		{"os.posix_spawn", judge_child, 0, CHILD}, {"os.system", judge_child, 0, CHILD},
		{"pty.spawn", judge_child, 0, CHILD},
		{"os.putenv", judge_variable, 0, "native code would be loaded from what it names"},
		{"cpython.run_command", veto, 0, HOOK}, {"cpython.run_stdin", veto, 0, HOOK},
		{"cpython.run_interactivehook", veto, 0, HOOK}, {"cpython.run_startup", veto, 0, HOOK}};
	size_t count = 0;
	for (; count < sizeof checks / sizeof *checks; count++)
		*slot_of(checks[count].name) = checks[count];
	EACH(event, rules.events) {
		struct slot *slot = slot_of(event->text);
		if (++count > SLOTS / 2)
			fail(REFUSED, "ERR_POLICY",
				"Cannot use the policy: python.events has more than 200 names");
		all_selected |= strcmp(event->text, "*") == 0;
		slot->name = event->text;
		slot->selected = 1;
	}
}

int on_audit(const char *event, PyObject *arguments, void *Py_UNUSED(data))
{
	const struct slot *slot = slot_of(event);
	const int answer = slot->check == NULL ? 0 : slot->check(event, arguments, slot->why);
	if (answer == 0 && (slot->selected || all_selected))
		record(event, ALLOW, arguments);
	return answer < 0 ? -1 : 0;
}
