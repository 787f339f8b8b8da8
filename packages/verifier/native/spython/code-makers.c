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
#include "making.h"
#include "source-encoding.h"
#include "text-shapes.h"
#include "veto.h"
#include <link.h>
#include <stdlib.h>

static const char UNSIGNED_TEXT[] = "no signed file has this text (policy: python.stringCode)";
static const char UNSIGNED_TREE[] =
	"a syntax tree is in no signed file (policy: python.stringCode)";
const char UNSIGNED_CODE[] = "no signed file has this bytecode (policy: python.stringCode)";

bool is_judged(void)
{
	return is_watching() && rules.python_code != STRING_CODE_AUDIT;
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
	if (is_judged() && !is_in_fixed_encoding(text.content))
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
	if (!is_watching()) {
		note_built_in_code(code, length);
		return NO_OBJECTION;
	}
	if (is_frozen(code, length) || is_built_in_code(code, length) ||
		is_code_of_file(code, length, &file))
		return NO_OBJECTION;
	return veto(event, arguments, UNSIGNED_CODE);
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
