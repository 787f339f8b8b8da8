/* Judges what becomes code, by python.stringCode of the policy.
 *
 * CPython makes code objects in three ways: it compiles text or a syntax tree, it reads marshalled
 * code, and it puts one together (types.CodeType, code.replace). Text raises the event `compile`
 * with exactly the bytes that are parsed. But the event does not tell whether code is made of them
 * at all, as ast.parse() makes none; and the event of marshalled code shows a copy of bytes that
 * may change afterwards. So functions of this file stand before the built-in functions: in the
 * method tables of CPython, which no program reaches.
 *
 * Guarantees that no code object of unsigned content comes into being, from the first file on that
 * CPython opens. So nothing has to be judged when code runs. */
#define _GNU_SOURCE
#include "code-makers.h"
#include "calling-code.h"
#include "text-shapes.h"
#include <frameobject.h>
#include <link.h>
#include <stdlib.h>

static const char UNSIGNED_TEXT[] = "no signed file has this text (policy: python.stringCode)";
static const char UNSIGNED_TREE[] =
	"a syntax tree is in no signed file (policy: python.stringCode)";
static const char UNSIGNED_CODE[] = "no signed file has this bytecode (policy: python.stringCode)";
static const char OTHER_CODE[] =
	"code would be put together that is in no signed file (policy: python.stringCode)";

/* The kinds of the built-in function that runs: it makes syntax trees, it compiles or executes, or
 * it reads marshalled code that was judged. */
enum maker { NO_MAKER, PARSER, COMPILER, READER };

/* A built-in function that runs. Each is found by the frame that calls it, because functions of a
 * thread end in any order where something switches stacks, as greenlet does. */
struct making {
	struct making *before; /* the one that began before, or null */
	enum maker maker;
	const PyThreadState *thread; /* a subinterpreter has another one in the same thread */
	const PyFrameObject *frame; /* the one that calls the function; what it runs has others */
	enum caller file; /* the callers in the file whose content becomes code */
	char *allowed_text; /* the text that was allowed last, or null; for 3.8 */
};
static _Thread_local struct making *latest;

/* True once the functions of this file stand before those of CPython. What is made earlier comes
 * from the interpreter's program itself. */
static bool is_watching;

static bool is_judged(void)
{
	return is_watching && rules.python_code != STRING_CODE_AUDIT;
}

/* Notes that a built-in function begins. The result must be passed to end_making(). Returns null
 * with an exception if memory is lacking. No frame calls a function that a thread begins with; but
 * CPython gives none either if it lacks memory for it, so then everything is judged. */
static struct making *begin_making(enum maker maker)
{
	struct making *making = malloc(sizeof *making);
	if (making == NULL) {
		PyErr_NoMemory();
		return NULL;
	}
	const PyFrameObject *frame = PyEval_GetFrame();
	*making = (struct making){.before = latest,
		.maker = frame == NULL ? COMPILER : maker,
		.thread = PyThreadState_Get(),
		.frame = frame};
	latest = making;
	return making;
}

static void forget_making(struct making *making)
{
	struct making **link = &latest;
	while (*link != making)
		link = &(*link)->before;
	*link = making->before;
	free(making->allowed_text);
	free(making);
}

/* Takes the result of the function, and returns it, or null with an exception. */
static PyObject *end_making(struct making *making, PyObject *result)
{
	const enum maker maker = making->maker;
	const enum caller file = making->file;
	forget_making(making);
	if (result == NULL || !PyCode_Check(result))
		return result;
	if (maker == PARSER)
		PyErr_SetString(PyExc_SystemError, "code was made where none was asked for");
	else if (note_callers(result, file))
		return result;
	Py_DECREF(result);
	return NULL;
}

/* Returns the built-in function that raises the event, or null. exec() runs the code that it has
 * made: native code that this code calls is asked for nothing by exec(). One without a frame may be
 * any. */
static struct making *making_now(void)
{
	const PyThreadState *thread = PyThreadState_Get();
	const PyFrameObject *frame = PyEval_GetFrame();
	struct making *frameless = NULL;
	for (struct making *each = latest; each != NULL; each = each->before) {
		if (each->thread == thread && each->frame == frame)
			return each;
		if (each->thread == thread && each->frame == NULL && frameless == NULL)
			frameless = each;
	}
	return frameless;
}

static enum maker maker_now(void)
{
	const struct making *making = making_now();
	return making == NULL ? NO_MAKER : making->maker;
}

/* Text and syntax trees */

struct text {
	const char *content;
	size_t length;
};

/* Returns 1 if the text is a whole string in the memory of native code that is not for writing.
 * dl_iterate_phdr(3) calls this for each object that is loaded. */
static int is_in_object(struct dl_phdr_info *object, size_t Py_UNUSED(size), void *data)
{
	const struct text *text = data;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		const char *start = (const char *)object->dlpi_addr + part->p_vaddr;
		const char *end = start + part->p_filesz;
		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
			continue;
		const char *found = start;
		while ((found = memmem(found, (size_t)(end - found), text->content, text->length + 1))) {
			if (found == start || found[-1] == '\0')
				return 1;
			found++;
		}
	}
	return 0;
}

/* Returns true if CPython parses a part of a line to mark it in a traceback. Only 3.11 and 3.12 do
 * that in C; they name the file of the line, and make no code. All others of CPython that compile
 * text in C name no file: `<string>`, `<script>`. */
static bool is_for_traceback(PyObject *file_name)
{
	const bool does_so = PY_MINOR_VERSION == 11 || PY_MINOR_VERSION == 12;
	return does_so && PyUnicode_Check(file_name) && PyUnicode_GET_LENGTH(file_name) > 0 &&
		PyUnicode_READ_CHAR(file_name, 0) != '<';
}

/* Returns true if code may be made of text that no file contains. If no built-in function is asked
 * for that, but native code does it, the text has to be one of its own, such as Cython puts into
 * the modules that it makes. */
static bool may_become_code(struct text text, PyObject *file_name)
{
	if (rules.python_code == STRING_CODE_REFUSE)
		return false;
	if (maker_now() == NO_MAKER)
		return is_for_traceback(file_name) || dl_iterate_phdr(is_in_object, &text) != 0;
	const enum caller caller = caller_now();
	return caller == NAMED_CALLER || has_shape_of(caller, text.content) ||
		is_constant_of_function(text.content, text.length);
}

#if PY_VERSION_HEX < 0x03090000
/* Only 3.8 raises an event for each expression in an f-string, while it compiles the text around
 * it, and puts it in parentheses. */
static bool is_in_allowed_text(const struct making *making, struct text text, PyObject *file_name)
{
	if (making == NULL || making->allowed_text == NULL || text.length < 2 ||
		!PyUnicode_Check(file_name) ||
		PyUnicode_CompareWithASCIIString(file_name, "<fstring>") != 0)
		return false;
	const size_t length = strlen(making->allowed_text);
	return memmem(making->allowed_text, length, text.content + 1, text.length - 2) != NULL;
}

static void keep_allowed_text(struct making *making, struct text text)
{
	if (making == NULL)
		return;
	free(making->allowed_text);
	making->allowed_text = strdup(text.content);
}
#else
static bool is_in_allowed_text(const struct making *Py_UNUSED(making), struct text Py_UNUSED(text),
	PyObject *Py_UNUSED(file_name))
{
	return false;
}

static void keep_allowed_text(struct making *Py_UNUSED(making), struct text Py_UNUSED(text))
{
}
#endif

/* Returns why the text must not become code, or null. */
static const char *objection_to_text(struct text text, PyObject *file_name)
{
	struct making *making = making_now();
	enum caller file;
	if (is_in_allowed_text(making, text, file_name))
		return NULL;
	const bool is_of_file = is_text_of_file(text.content, text.length, &file);
	if (!is_of_file && (!is_judged() || !may_become_code(text, file_name)))
		return UNSIGNED_TEXT;
	if (is_of_file && is_judged() && !is_in_fixed_encoding(text.content))
		return "a program could exchange the decoder of its encoding";
	if (making != NULL)
		making->file = file;
	keep_allowed_text(making, text);
	return NULL;
}

static int judge_text(const char *event, PyObject *arguments)
{
	PyObject *source = PyTuple_GET_ITEM(arguments, 0);
	const struct text text = {PyBytes_AS_STRING(source), (size_t)PyBytes_GET_SIZE(source)};
	const char *objection = objection_to_text(text, PyTuple_GET_ITEM(arguments, 1));
	return objection == NULL ? NO_OBJECTION : veto(event, arguments, objection);
}

int check_compile(const char *event, PyObject *arguments, const char *Py_UNUSED(why))
{
	if (maker_now() == PARSER || (!is_judged() && !is_called_by_imp()))
		return NO_OBJECTION;
	if (PyBytes_CheckExact(PyTuple_GET_ITEM(arguments, 0)))
		return judge_text(event, arguments);
	if (rules.python_code == STRING_CODE_SIGNED && caller_now() == NAMED_CALLER)
		return NO_OBJECTION;
	return is_judged() ? veto(event, arguments, UNSIGNED_TREE) : NO_OBJECTION;
}

/* Marshalled code */

#if PY_VERSION_HEX >= 0x030B0000
/* CPython exports these tables, but declares them in headers of its own. */
extern const struct _frozen *_PyImport_FrozenBootstrap;
extern const struct _frozen *_PyImport_FrozenStdlib;
extern const struct _frozen *_PyImport_FrozenTest;
#endif

/* Returns true if the bytes are those of a module that is built into CPython. */
static bool is_frozen(const char *code, size_t length)
{
	const struct _frozen *const tables[] = {
		PyImport_FrozenModules,
#if PY_VERSION_HEX >= 0x030B0000
		_PyImport_FrozenBootstrap,
		_PyImport_FrozenStdlib,
		_PyImport_FrozenTest,
#endif
	};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		for (const struct _frozen *each = tables[i]; each != NULL && each->name != NULL; each++) {
			/* The size of a package is negative before 3.11. */
			const size_t size = (size_t)abs(each->size);
			if (size == length && each->code != NULL && memcmp(each->code, code, length) == 0)
				return true;
		}
	}
	return false;
}

int check_marshalled(const char *event, PyObject *arguments, const char *Py_UNUSED(why))
{
	const enum maker maker = maker_now();
	if (rules.python_code == STRING_CODE_AUDIT || maker == READER || maker == PARSER)
		return NO_OBJECTION;
	PyObject *bytes = PyTuple_GET_ITEM(arguments, 0);
	enum caller file;
	const char *code = PyBytes_AS_STRING(bytes);
	const size_t length = (size_t)PyBytes_GET_SIZE(bytes);
	/* A new interpreter reads code again that the first one has read before it opened a file. */
	if (!is_watching) {
		note_built_in_code(code, length);
		return NO_OBJECTION;
	}
	if (is_frozen(code, length) || is_built_in_code(code, length) ||
		is_code_of_file(code, length, &file))
		return NO_OBJECTION;
	return veto(event, arguments, UNSIGNED_CODE);
}

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
	newfunc new_code;
} original;

typedef PyObject *fast_function(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *named_function(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

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

/* The method tables */

/* The functions that take a method's place, by the way in which it is called. */
struct replacement {
	PyCFunction *original;
	PyCFunction one; /* METH_O */
	fast_function *fast; /* METH_FASTCALL */
	named_function *named; /* METH_FASTCALL | METH_KEYWORDS */
};

/* Returns false with an exception if the method is called in another way. */
static bool replace_method(PyMethodDef *method, const struct replacement *by)
{
	PyCFunction function = NULL;
	switch (method->ml_flags & (METH_O | METH_FASTCALL | METH_KEYWORDS | METH_VARARGS)) {
	case METH_O:
		function = by->one;
		break;
	case METH_FASTCALL:
		function = (PyCFunction)(void (*)(void))by->fast;
		break;
	case METH_FASTCALL | METH_KEYWORDS:
		function = (PyCFunction)(void (*)(void))by->named;
		break;
	}
	if (function == NULL) {
		PyErr_Format(PyExc_SystemError, "spython does not know this %s()", method->ml_name);
		return false;
	}
	*by->original = method->ml_meth;
	method->ml_meth = function;
	return true;
}

/* Replaces a function of a module. Every interpreter of the process uses the same table. */
static bool replace_function(const char *module, const char *name, const struct replacement *by)
{
	bool is_replaced = false;
	PyObject *imported = PyImport_ImportModule(module);
	PyObject *function = imported == NULL ? NULL : PyObject_GetAttrString(imported, name);
	if (function != NULL && PyCFunction_Check(function))
		is_replaced = replace_method(((PyCFunctionObject *)function)->m_ml, by);
	Py_XDECREF(function);
	Py_XDECREF(imported);
	return is_replaced;
}

/* Replaces a method of the type of code objects. */
static bool replace_code_method(const char *name, const struct replacement *by)
{
	bool is_replaced = false;
	PyObject *method = PyObject_GetAttrString((PyObject *)&PyCode_Type, name);
	if (method != NULL && Py_TYPE(method) == &PyMethodDescr_Type)
		is_replaced = replace_method(((PyMethodDescrObject *)method)->d_method, by);
	Py_XDECREF(method);
	return is_replaced;
}

static bool replace_all(void)
{
	const struct replacement compile = {&original.compile, NULL, NULL, compile_judged};
	const struct replacement exec = {&original.exec, NULL, exec_fast, exec_named};
	const struct replacement eval = {&original.eval, NULL, eval_fast, eval_named};
	const struct replacement load = {&original.load, load_one, NULL, load_named};
	const struct replacement loads = {&original.loads, loads_one, NULL, loads_named};
	const struct replacement frozen = {&original.get_frozen_object, NULL, get_frozen_judged, NULL};
	const struct replacement audit = {&original.audit, NULL, audit_fast, NULL};
	const struct replacement replace = {&original.replace, NULL, NULL, replace_judged};
	original.new_code = PyCode_Type.tp_new;
	PyCode_Type.tp_new = new_code_judged;
	return replace_function("builtins", "compile", &compile) &&
		replace_function("builtins", "exec", &exec) &&
		replace_function("builtins", "eval", &eval) && replace_function("marshal", "load", &load) &&
		replace_function("marshal", "loads", &loads) &&
		(PY_MINOR_VERSION < 11 || replace_function("_imp", "get_frozen_object", &frozen)) &&
		replace_code_method("replace", &replace) &&
		(PY_MINOR_VERSION < 13 || replace_code_method("__replace__", &replace));
}

bool watch_code_makers(void)
{
	const bool needs_to = rules.mode >= MODE_ENFORCE || rules.python_code != STRING_CODE_AUDIT;
	if (is_watching || !needs_to)
		return true;
	is_watching = replace_all();
	if (!is_watching && !PyErr_Occurred())
		PyErr_SetString(PyExc_SystemError, "spython does not know the functions of this Python");
	return is_watching;
}

bool is_opened_by_imp(void)
{
	return rules.mode >= MODE_ENFORCE && is_called_by_imp();
}

bool makes_code_unseen(const char *path)
{
	/* `parser` exists before 3.10. It makes code of lists of numbers. `_testcapi` compiles text
	 * that it is given since 3.13, also while the same frame has a syntax tree made. */
	static const char *const NAMES[] = {
		"/lib-dynload/parser.", "/lib-dynload/_testcapi.", "/lib-dynload/_testinternalcapi."};
	char real[PATH_MAX];
	bool does_so = false;
	if (!is_judged() || realpath(path, real) == NULL)
		return false;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		does_so = does_so || strstr(real, NAMES[i]) != NULL;
	return does_so;
}
