/* Functions that stand before the built-in functions of CPython that make code: in its method
 * tables, which no program reaches. */
#define _GNU_SOURCE
#include "built-ins.h"
#include "calling-code.h"
#include "code-makers.h"
#include "end.h"
#include "making.h"
#include "method-tables.h"
#include "source.h"
#include "veto.h"

static const char OTHER_CODE[] =
	"code would be put together that is in no signed file (policy: python.stringCode)";

/* Returns true if marshalled code may be read, else false with an exception. */
static bool may_be_read(PyObject *bytes, struct origin_of_code *origin)
{
	const char *code = PyBytes_AS_STRING(bytes);
	if (is_code_of_file(code, (size_t)PyBytes_GET_SIZE(bytes), &origin->caller))
		return true;
	PyObject *arguments = PyTuple_Pack(1, bytes);
	if (arguments == NULL)
		return false;
	const int answer = veto("marshal.loads", arguments, UNSIGNED_CODE);
	Py_DECREF(arguments);
	origin->provenance = OF_RECORD;
	origin->is_recorded = answer == RECORDED;
	return answer != REFUSED_EVENT;
}

/* Returns true if what marshal reads now is judged. */
static bool is_reading_judged(void)
{
	return is_judged() || is_importing_bytecode() || is_called_by_imp();
}

/* The built-in functions. `original` has them as CPython made them. */

static struct {
	PyCFunction compile;
	PyCFunction exec;
	PyCFunction eval;
	PyCFunction load;
	PyCFunction loads;
	PyCFunction get_frozen_object;
	PyCFunction audit;
	PyCFunction replace;
	newfunc new_code;
	newfunc new_function;
	setter set_code;
} original;

static PyObject *call_fast(
	PyCFunction function, PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	return ((fast_function *)(void (*)(void))function)(self, arguments, count);
}

static PyObject *call_named(PyCFunction function, PyObject *self, PyObject *const *arguments,
	Py_ssize_t count, PyObject *names)
{
	return ((named_function *)(void (*)(void))function)(self, arguments, count, names);
}

static PyObject *marked(PyObject *result, const struct origin_of_code *origin)
{
	if (result == NULL || !PyCode_Check(result) ||
		mark_code(result, origin->provenance, origin->caller))
		return result;
	Py_DECREF(result);
	return NULL;
}

/* Calls compile() with values that are exact, of which nothing but the event is announced. */
static PyObject *compile_announced(PyObject *self, const struct source *source,
	PyObject *const values[COMPILE_VALUES], PyObject *names, const struct origin_of_code *origin)
{
	struct making *making =
		begin_making(source->bytes == NULL ? source->exact : source->bytes, origin->is_recorded);
	if (making == NULL)
		return NULL;
	PyObject *result = call_named(original.compile, self, values, COMPILE_POSITIONAL, names);
	end_making(making);
	return marked(result, origin);
}

static bool judge_source(
	const struct source *source, PyObject *file_name, struct origin_of_code *origin)
{
	return source->bytes == NULL ? judge_tree(source->exact, origin)
								 : judge_text(source->bytes, file_name, origin);
}

static PyObject *compile_judged(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	PyObject *given[COMPILE_VALUES];
	PyObject *exact[COMPILE_VALUES];
	PyObject *result = NULL;
	if (count > 0 && is_refused_at_end("compile", arguments[0]))
		return NULL;
	/* Wrong arguments are for CPython to refuse. Without an announcement it can make nothing. */
	if (!is_judged() || !sort_arguments(arguments, count, names, given))
		return call_named(original.compile, self, arguments, count, names);
	struct source source;
	if (!take_source(given[COMPILE_SOURCE], &source))
		return NULL;
	if (make_exact(given, source.exact, exact)) {
		struct origin_of_code origin = {.provenance = OF_RECORD};
		PyObject *rest = names_for(given);
		if (rest != NULL &&
			(wants_tree(exact) || judge_source(&source, exact[COMPILE_FILE_NAME], &origin)))
			result = compile_announced(self, &source, exact, rest, &origin);
		Py_XDECREF(rest);
		release_values(exact);
	}
	release_source(&source);
	return result;
}

/* Makes code of text that exec() or eval() is given. */
static PyObject *compile_text(const struct source *source, const char *mode)
{
	struct origin_of_code origin;
	PyObject *result = NULL;
	PyObject *values[COMPILE_VALUES] = {source->exact, PyUnicode_FromString("<string>"),
		PyUnicode_FromString(mode), PyLong_FromLong(0), PyLong_FromLong(0), PyLong_FromLong(-1)};
	bool is_made = true;
	for (int i = COMPILE_FILE_NAME; i < COMPILE_POSITIONAL; i++)
		is_made = is_made && values[i] != NULL;
	if (is_made && judge_text(source->bytes, values[COMPILE_FILE_NAME], &origin))
		result = compile_announced(NULL, source, values, NULL, &origin);
	for (int i = COMPILE_FILE_NAME; i < COMPILE_POSITIONAL; i++)
		Py_XDECREF(values[i]);
	return result;
}

/* Returns true if a code object may run, else false with an exception. */
static bool may_run(const char *event, PyObject *code)
{
	static const char UNSEEN_CODE[] =
		"native code has made it, of nothing that was judged (policy: python.stringCode)";
	if (!PyCode_Check(code) || !is_judged() || provenance_of(code) != UNSEEN)
		return true;
	PyObject *arguments = PyTuple_Pack(1, code);
	if (arguments == NULL)
		return false;
	const int answer = veto(event, arguments, UNSEEN_CODE);
	Py_DECREF(arguments);
	return answer != REFUSED_EVENT;
}

typedef PyObject *run_with(PyCFunction function, PyObject *self, PyObject *const *arguments,
	Py_ssize_t count, PyObject *names);

static PyObject *run_fast(PyCFunction function, PyObject *self, PyObject *const *arguments,
	Py_ssize_t count, PyObject *Py_UNUSED(names))
{
	return call_fast(function, self, arguments, count);
}

/* Returns true if an argument is given that belongs to code objects alone. */
static bool has_closure(PyObject *const *values, PyObject *names)
{
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
		const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
		if (name == NULL)
			PyErr_Clear();
		else if (strcmp(name, "closure") == 0 && values[i] != Py_None)
			return true;
	}
	return false;
}

/* Runs exec() or eval(). Text becomes code first, so that it has its mark when it runs. */
static PyObject *run_judged(const char *mode, PyCFunction function, run_with *run, PyObject *self,
	PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	enum { MOST = 8 };
	const Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
	PyObject *values[MOST];
	struct source source;
	if (count > 0 && is_refused_at_end(mode, arguments[0]))
		return NULL;
	if (!is_judged() || count == 0 || all > MOST)
		return run(function, self, arguments, count, names);
	if (!may_run("exec", arguments[0]))
		return NULL;
	/* CPython refuses a closure of text. */
	if (PyCode_Check(arguments[0]) || has_closure(arguments + count, names))
		return run(function, self, arguments, count, names);
	if (!take_source(arguments[0], &source))
		return NULL;
	if (source.bytes == NULL || (*mode == 'e' && mode[1] == 'v' && !strip_source(&source))) {
		const bool is_object = source.bytes == NULL;
		release_source(&source);
		return is_object ? run(function, self, arguments, count, names) : NULL;
	}
	PyObject *result = NULL;
	memcpy(values, arguments, (size_t)all * sizeof *values);
	values[0] = compile_text(&source, mode);
	release_source(&source);
	if (values[0] != NULL)
		result = run(function, self, values, count, names);
	Py_XDECREF(values[0]);
	return result;
}

static PyObject *exec_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	return run_judged("exec", original.exec, run_fast, self, arguments, count, NULL);
}

static PyObject *exec_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return run_judged("exec", original.exec, call_named, self, arguments, count, names);
}

static PyObject *eval_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	return run_judged("eval", original.eval, run_fast, self, arguments, count, NULL);
}

static PyObject *eval_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return run_judged("eval", original.eval, call_named, self, arguments, count, names);
}

/* Calls marshal.loads() with bytes, which are released, after they were judged. `names` is null
 * before 3.13, and so is `rest`, the value of its argument. */
static PyObject *read_judged(PyObject *self, PyObject *bytes, PyObject *rest, PyObject *names)
{
	struct origin_of_code origin = {.provenance = OF_FILE};
	PyObject *result = NULL;
	PyObject *const arguments[] = {bytes, rest};
	if (bytes != NULL && !is_refused_at_end("marshal.loads", bytes) &&
		may_be_read(bytes, &origin)) {
		struct making *making = begin_making(bytes, origin.is_recorded);
		if (making != NULL) {
			result = PY_MINOR_VERSION < 13 ? original.loads(self, bytes)
										   : call_named(original.loads, self, arguments, 1, names);
			end_making(making);
		}
	}
	Py_XDECREF(bytes);
	return is_judged() ? marked(result, &origin) : result;
}

/* Reads a file to its end, because nothing tells where marshalled code ends. */
static PyObject *content_of(PyObject *file)
{
	PyObject *content = PyObject_CallMethod(file, "read", NULL);
	if (content == NULL)
		return NULL;
	PyObject *copy = bytes_of_buffer(content);
	Py_DECREF(content);
	return copy;
}

/* marshal.loads() and marshal.load() take one argument before 3.13. */
static PyObject *loads_one(PyObject *self, PyObject *buffer)
{
	if (!is_reading_judged())
		return original.loads(self, buffer);
	return read_judged(self, bytes_of_buffer(buffer), NULL, NULL);
}

static PyObject *load_one(PyObject *self, PyObject *file)
{
	if (!is_reading_judged())
		return original.load(self, file);
	return read_judged(self, content_of(file), NULL, NULL);
}

static PyObject *loads_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	const bool has_names = names != NULL && PyTuple_GET_SIZE(names) == 1;
	if (!is_reading_judged() || count != 1)
		return call_named(original.loads, self, arguments, count, names);
	return read_judged(self, bytes_of_buffer(arguments[0]), has_names ? arguments[1] : NULL, names);
}

static PyObject *load_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	const bool has_names = names != NULL && PyTuple_GET_SIZE(names) == 1;
	if (!is_reading_judged() || count != 1)
		return call_named(original.load, self, arguments, count, names);
	return read_judged(self, content_of(arguments[0]), has_names ? arguments[1] : NULL, names);
}

/* Marks the code of a frozen module. */
static PyObject *marked_frozen(PyObject *code)
{
	const struct origin_of_code origin = {.provenance = OF_FILE};
	const bool has_mark =
		code == NULL || !is_judged() || !PyCode_Check(code) || provenance_of(code) == OF_FILE;
	return has_mark ? code : marked(code, &origin);
}

static PyObject *get_frozen_one(PyObject *self, PyObject *name)
{
	return marked_frozen(original.get_frozen_object(self, name));
}

/* Refuses _imp.get_frozen_object(name, data), which since 3.11 makes code of the data. */
static PyObject *get_frozen_judged(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	if (is_judged() && count > 1 && arguments[1] != Py_None) {
		PyErr_SetString(PyExc_ImportError, "spython takes no data for a frozen module");
		return NULL;
	}
	return marked_frozen(call_fast(original.get_frozen_object, self, arguments, count));
}

/* Events that a program raises by sys.audit() are no events of a built-in function, so nothing is
 * concluded from them. They are recorded like others. */
static PyObject *audit_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	begin_forged(arguments, count);
	PyObject *result = call_fast(original.audit, self, arguments, count);
	end_forged();
	return result;
}

/* Code that is put together */

/* Returns true if a member of a code object may get this value: one that changes nothing of what
 * the code does. types.coroutine() sets one of the flags. */
static bool may_be_replaced(PyObject *code, PyObject *name, PyObject *value)
{
	enum { ITERABLE_COROUTINE = 0x100 };
	if (PyUnicode_CompareWithASCIIString(name, "co_flags") == 0)
		return PyLong_CheckExact(value) &&
			(((PyCodeObject *)code)->co_flags | ITERABLE_COROUTINE) == PyLong_AsLong(value);
	return PyUnicode_CompareWithASCIIString(name, "co_name") == 0 ||
		PyUnicode_CompareWithASCIIString(name, "co_qualname") == 0 ||
		PyUnicode_CompareWithASCIIString(name, "co_firstlineno") == 0;
}

/* Returns true if a code object may be put together, else false with an exception. */
static bool may_be_assembled(PyObject *of)
{
	if (is_refused_at_end("code.__new__", of))
		return false;
	if (rules.python_code == STRING_CODE_SIGNED && caller_now() == NAMED_CALLER)
		return true;
	PyObject *arguments = PyTuple_Pack(1, of);
	if (arguments == NULL)
		return false;
	const int answer = veto("code.__new__", arguments, OTHER_CODE);
	Py_DECREF(arguments);
	return answer != REFUSED_EVENT;
}

static PyObject *replace_judged(
	PyObject *code, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	struct origin_of_code origin = {.provenance = OF_RECORD};
	bool is_harmless = true;
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
		is_harmless =
			is_harmless && may_be_replaced(code, PyTuple_GET_ITEM(names, i), arguments[count + i]);
	if (!is_judged())
		return call_named(original.replace, code, arguments, count, names);
	if (is_harmless)
		origin.provenance = provenance_of(code);
	else if (!may_be_assembled(code))
		return NULL;
	return marked(call_named(original.replace, code, arguments, count, names), &origin);
}

static PyObject *new_code_judged(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
	const struct origin_of_code origin = {.provenance = OF_RECORD};
	if (!is_judged())
		return original.new_code(type, arguments, names);
	if (!may_be_assembled((PyObject *)type))
		return NULL;
	return marked(original.new_code(type, arguments, names), &origin);
}

/* Functions of code */

static PyObject *new_function_judged(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
	PyObject *code = PyTuple_GET_SIZE(arguments) > 0 ? PyTuple_GET_ITEM(arguments, 0) : NULL;
	if (code == NULL && names != NULL)
		code = PyDict_GetItemString(names, "code");
	if (code != NULL && !may_run("function.__new__", code))
		return NULL;
	return original.new_function(type, arguments, names);
}

static int set_code_judged(PyObject *function, PyObject *code, void *data)
{
	if (code != NULL && !may_run("object.__setattr__", code))
		return -1;
	return original.set_code(function, code, data);
}

static bool replace_of_functions(void)
{
	PyGetSetDef *each = PyFunction_Type.tp_getset;
	while (each->name != NULL && strcmp(each->name, "__code__") != 0)
		each++;
	if (each->name == NULL)
		return false;
	original.set_code = each->set;
	each->set = set_code_judged;
	original.new_function = PyFunction_Type.tp_new;
	PyFunction_Type.tp_new = new_function_judged;
	return true;
}

static bool replace_all(void)
{
	const struct replacement compile = {&original.compile, NULL, NULL, compile_judged, NULL};
	const struct replacement exec = {&original.exec, NULL, exec_fast, exec_named, NULL};
	const struct replacement eval = {&original.eval, NULL, eval_fast, eval_named, NULL};
	const struct replacement load = {&original.load, load_one, NULL, load_named, NULL};
	const struct replacement loads = {&original.loads, loads_one, NULL, loads_named, NULL};
	const struct replacement frozen = {
		&original.get_frozen_object, get_frozen_one, get_frozen_judged, NULL, NULL};
	const struct replacement audit = {&original.audit, NULL, audit_fast, NULL, NULL};
	const struct replacement replace = {&original.replace, NULL, NULL, replace_judged, NULL};
	original.new_code = PyCode_Type.tp_new;
	PyCode_Type.tp_new = new_code_judged;
	return replace_function("builtins", "compile", &compile) &&
		replace_function("builtins", "exec", &exec) &&
		replace_function("builtins", "eval", &eval) && replace_function("marshal", "load", &load) &&
		replace_function("marshal", "loads", &loads) && replace_function("sys", "audit", &audit) &&
		replace_of_functions() && replace_function("_imp", "get_frozen_object", &frozen) &&
		replace_code_method("replace", &replace) &&
		(PY_MINOR_VERSION < 13 || replace_code_method("__replace__", &replace));
}

PyObject *compile_file(PyObject *bytes, PyObject *file_name)
{
	struct origin_of_code origin = {.provenance = OF_FILE};
	struct making *making = begin_making(bytes, false);
	if (making == NULL)
		return NULL;
	PyCompilerFlags flags = {.cf_flags = 0, .cf_feature_version = PY_MINOR_VERSION};
	PyObject *code =
		Py_CompileStringObject(PyBytes_AS_STRING(bytes), file_name, Py_file_input, &flags, -1);
	end_making(making);
	return is_judged() ? marked(code, &origin) : code;
}

bool watch_code_makers(void)
{
	const bool needs_to = rules.mode >= MODE_ENFORCE || rules.python_code != STRING_CODE_AUDIT;
	if (is_watching() || !needs_to)
		return true;
	if (replace_all()) {
		note_watching();
		return true;
	}
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_SystemError, "spython does not know the functions of this Python");
	return false;
}
