/* Functions that stand before the built-in functions of CPython that make code: in its method
 * tables, which no program reaches. */
#define _GNU_SOURCE
#include "built-ins.h"
#include "calling-code.h"
#include "code-makers.h"
#include "making.h"
#include "veto.h"
#include "method-tables.h"

static const char OTHER_CODE[] =
	"code would be put together that is in no signed file (policy: python.stringCode)";

/* Returns true if marshalled code may be read, else false with an exception. */
static bool may_be_read(PyObject *bytes, enum caller *file)
{
	const char *code = PyBytes_AS_STRING(bytes);
	if (is_code_of_file(code, (size_t)PyBytes_GET_SIZE(bytes), file))
		return true;
	PyObject *arguments = PyTuple_Pack(1, bytes);
	if (arguments == NULL)
		return false;
	const int answer = veto("marshal.loads", arguments, UNSIGNED_CODE);
	Py_DECREF(arguments);
	return answer != REFUSED_EVENT;
}

/* Returns true if what marshal reads now is judged. */
static bool is_reading_judged(void)
{
	return is_judged() || is_importing_bytecode() || is_called_by_imp();
}

/* Returns a copy of a buffer, so that nobody can change what was judged. Returns null with an
 * exception. */
static PyObject *copy_of(PyObject *buffer)
{
	Py_buffer view;
	if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) != 0)
		return NULL;
	PyObject *copy = PyBytes_FromStringAndSize(view.buf, view.len);
	PyBuffer_Release(&view);
	return copy;
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
	PyCFunction peg_compile;
	PyCFunction peg_parse;
	newfunc new_code;
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

/* Returns true if compile() is asked for a syntax tree instead of code. */
static bool wants_tree(PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	enum { FLAGS = 3 };
	PyObject *flags = count > FLAGS ? arguments[FLAGS] : NULL;
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
		if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "flags") == 0)
			flags = arguments[count + i];
	}
	return flags != NULL && PyLong_CheckExact(flags) &&
		(PyLong_AsUnsignedLongMask(flags) & PyCF_ONLY_AST) != 0;
}

static PyObject *compile_judged(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	const enum maker maker = wants_tree(arguments, count, names) ? PARSER : COMPILER;
	struct making *making = begin_making(maker);
	if (making == NULL)
		return NULL;
	return end_making(making, call_named(original.compile, self, arguments, count, names));
}

/* Neither exec() nor eval() returns the code that it makes. The result of eval() may be any. */
static PyObject *run_fast(
	PyCFunction function, PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	struct making *making = begin_making(COMPILER);
	if (making == NULL)
		return NULL;
	PyObject *result = call_fast(function, self, arguments, count);
	forget_making(making);
	return result;
}

static PyObject *run_named(PyCFunction function, PyObject *self, PyObject *const *arguments,
	Py_ssize_t count, PyObject *names)
{
	struct making *making = begin_making(COMPILER);
	if (making == NULL)
		return NULL;
	PyObject *result = call_named(function, self, arguments, count, names);
	forget_making(making);
	return result;
}

static PyObject *exec_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	return run_fast(original.exec, self, arguments, count);
}

static PyObject *exec_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return run_named(original.exec, self, arguments, count, names);
}

static PyObject *eval_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	return run_fast(original.eval, self, arguments, count);
}

static PyObject *eval_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	return run_named(original.eval, self, arguments, count, names);
}

/* Calls marshal.loads() with bytes, which are released, after they were judged. `names` is null
 * before 3.13, and so is `rest`, the value of its argument. */
static PyObject *read_judged(PyObject *self, PyObject *bytes, PyObject *rest, PyObject *names)
{
	struct making *making = bytes == NULL ? NULL : begin_making(READER);
	PyObject *result = NULL;
	PyObject *const arguments[] = {bytes, rest};
	if (making != NULL) {
		if (may_be_read(bytes, &making->file))
			result = PY_MINOR_VERSION < 13 ? original.loads(self, bytes)
										   : call_named(original.loads, self, arguments, 1, names);
		result = end_making(making, result);
	}
	Py_XDECREF(bytes);
	return result;
}

/* Reads a file to its end, because nothing tells where marshalled code ends. */
static PyObject *content_of(PyObject *file)
{
	PyObject *content = PyObject_CallMethod(file, "read", NULL);
	if (content == NULL)
		return NULL;
	PyObject *copy = copy_of(content);
	Py_DECREF(content);
	return copy;
}

/* marshal.loads() and marshal.load() take one argument before 3.13. */
static PyObject *loads_one(PyObject *self, PyObject *buffer)
{
	if (!is_reading_judged())
		return original.loads(self, buffer);
	return read_judged(self, copy_of(buffer), NULL, NULL);
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
	return read_judged(self, copy_of(arguments[0]), has_names ? arguments[1] : NULL, names);
}

static PyObject *load_named(
	PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
	const bool has_names = names != NULL && PyTuple_GET_SIZE(names) == 1;
	if (!is_reading_judged() || count != 1)
		return call_named(original.load, self, arguments, count, names);
	return read_judged(self, content_of(arguments[0]), has_names ? arguments[1] : NULL, names);
}

/* Refuses _imp.get_frozen_object(name, data), which since 3.11 makes code of the data. */
static PyObject *get_frozen_judged(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	if (is_judged() && count > 1 && arguments[1] != Py_None) {
		PyErr_SetString(PyExc_ImportError, "spython takes no data for a frozen module");
		return NULL;
	}
	return call_fast(original.get_frozen_object, self, arguments, count);
}

/* Events that a program raises by sys.audit() are no events of a built-in function, so nothing is
 * concluded from them. They are recorded like others. */
static PyObject *audit_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	struct making *making = begin_making(PARSER);
	if (making == NULL)
		return NULL;
	PyObject *result = call_fast(original.audit, self, arguments, count);
	forget_making(making);
	return result;
}

/* The functions of the module _peg_parser, which 3.9 alone has. They make code as compile() does,
 * so they are judged like it, also where compile() calls them while it makes a syntax tree. */

static PyObject *run_peg(
	PyCFunction function, PyObject *self, PyObject *arguments, PyObject *keywords)
{
	struct making *making = begin_making(COMPILER);
	if (making == NULL)
		return NULL;
	return end_making(
		making, ((PyCFunctionWithKeywords)(void (*)(void))function)(self, arguments, keywords));
}

static PyObject *peg_compile_judged(PyObject *self, PyObject *arguments, PyObject *keywords)
{
	return run_peg(original.peg_compile, self, arguments, keywords);
}

static PyObject *peg_parse_judged(PyObject *self, PyObject *arguments, PyObject *keywords)
{
	return run_peg(original.peg_parse, self, arguments, keywords);
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
	bool is_harmless = true;
	for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
		is_harmless =
			is_harmless && may_be_replaced(code, PyTuple_GET_ITEM(names, i), arguments[count + i]);
	if (is_judged() && !is_harmless && !may_be_assembled(code))
		return NULL;
	return call_named(original.replace, code, arguments, count, names);
}

static PyObject *new_code_judged(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
	if (is_judged() && !may_be_assembled((PyObject *)type))
		return NULL;
	return original.new_code(type, arguments, names);
}

static bool replace_all(void)
{
	const struct replacement compile = {&original.compile, NULL, NULL, compile_judged, NULL};
	const struct replacement exec = {&original.exec, NULL, exec_fast, exec_named, NULL};
	const struct replacement eval = {&original.eval, NULL, eval_fast, eval_named, NULL};
	const struct replacement load = {&original.load, load_one, NULL, load_named, NULL};
	const struct replacement loads = {&original.loads, loads_one, NULL, loads_named, NULL};
	const struct replacement frozen = {
		&original.get_frozen_object, NULL, get_frozen_judged, NULL, NULL};
	const struct replacement audit = {&original.audit, NULL, audit_fast, NULL, NULL};
	const struct replacement replace = {&original.replace, NULL, NULL, replace_judged, NULL};
	const struct replacement peg_compile = {
		&original.peg_compile, NULL, NULL, NULL, peg_compile_judged};
	const struct replacement peg_parse = {&original.peg_parse, NULL, NULL, NULL, peg_parse_judged};
	original.new_code = PyCode_Type.tp_new;
	PyCode_Type.tp_new = new_code_judged;
	return replace_function("builtins", "compile", &compile) &&
		replace_function("builtins", "exec", &exec) &&
		replace_function("builtins", "eval", &eval) && replace_function("marshal", "load", &load) &&
		replace_function("marshal", "loads", &loads) && replace_function("sys", "audit", &audit) &&
		(PY_MINOR_VERSION != 9 ||
			(replace_function("_peg_parser", "compile_string", &peg_compile) &&
				replace_function("_peg_parser", "parse_string", &peg_parse))) &&
		(PY_MINOR_VERSION < 11 || replace_function("_imp", "get_frozen_object", &frozen)) &&
		replace_code_method("replace", &replace) &&
		(PY_MINOR_VERSION < 13 || replace_code_method("__replace__", &replace));
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
