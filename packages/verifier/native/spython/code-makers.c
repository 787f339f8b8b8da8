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

/* Returns true if code may be made of text that no file contains. */
static bool may_become_code(struct text text, enum provenance *provenance)
{
	const enum caller caller = caller_now();
	if (rules.python_code == STRING_CODE_REFUSE)
		return false;
	if (is_constant_of_function(text.content, text.length))
		*provenance = OF_FILE;
	else if (has_shape_of(caller, text.content))
		*provenance = OF_SHAPE;
	else if (caller == NAMED_CALLER)
		*provenance = OF_RECORD;
	return *provenance != UNSEEN;
}

static struct text text_in(PyObject *bytes)
{
	return (struct text){PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)};
}

/* Returns why the text must not become code, or null. */
static const char *objection_to_text(PyObject *bytes, struct origin_of_code *origin)
{
	const struct text text = text_in(bytes);
	origin->provenance = UNSEEN;
	origin->caller = NO_CALLER;
	if (is_text_of_file(text.content, text.length, &origin->caller))
		origin->provenance = OF_FILE;
	else if (!may_become_code(text, &origin->provenance))
		return UNSIGNED_TEXT;
	if (!is_in_fixed_encoding(text.content))
		return "a program could exchange the decoder of its encoding";
	return NULL;
}

/* Returns false with an exception if a source is refused for the reason `objection`. */
static bool admit(
	PyObject *source, PyObject *file_name, const char *objection, struct origin_of_code *origin)
{
	origin->is_recorded = false;
	if (objection == NULL)
		return true;
	PyObject *arguments = PyTuple_Pack(2, source, file_name);
	if (arguments == NULL)
		return false;
	const int answer = veto("compile", arguments, objection);
	Py_DECREF(arguments);
	origin->is_recorded = answer == RECORDED;
	origin->provenance = OF_RECORD;
	return answer != REFUSED_EVENT;
}

bool judge_text(PyObject *bytes, PyObject *file_name, struct origin_of_code *origin)
{
	return admit(bytes, file_name, objection_to_text(bytes, origin), origin);
}

bool judge_tree(PyObject *tree, struct origin_of_code *origin)
{
	const bool is_named = rules.python_code == STRING_CODE_SIGNED && caller_now() == NAMED_CALLER;
	*origin = (struct origin_of_code){.provenance = OF_RECORD};
	return admit(tree, Py_None, is_named ? NULL : UNSIGNED_TREE, origin);
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

/* Judges text that native code compiles, such as Cython puts into the modules that it makes. It has
 * to be the content of a file, or one of native code's own texts. A traceback does without its
 * marks: refusing it is no event, because any program may fail. */
static int check_unannounced(const char *event, PyObject *arguments, PyObject *bytes)
{
	struct text text = text_in(bytes);
	enum caller file;
	const bool is_of_file = is_text_of_file(text.content, text.length, &file) ||
		(rules.python_code != STRING_CODE_REFUSE && dl_iterate_phdr(is_in_object, &text) != 0);
	if (is_of_file && is_in_fixed_encoding(text.content))
		return NO_OBJECTION;
	if (!is_for_traceback(argument_of(arguments, 1)))
		return veto(event, arguments, UNSIGNED_TEXT);
	if (rules.mode < MODE_ENFORCE)
		return NO_OBJECTION;
	PyErr_SetString(PyExc_PermissionError, UNSIGNED_TEXT);
	return REFUSED_EVENT;
}

/* Judges text of which `imp` and `pkgutil` make code, if no other text is judged. */
static int check_text_of_imp(const char *event, PyObject *arguments, PyObject *bytes)
{
	const struct text text = text_in(bytes);
	enum caller file;
	if (!is_called_by_imp() || is_text_of_file(text.content, text.length, &file))
		return NO_OBJECTION;
	return veto(event, arguments, UNSIGNED_TEXT);
}

int check_compile(const char *event, PyObject *arguments, const char *Py_UNUSED(why))
{
	PyObject *source = argument_of(arguments, 0);
	const bool is_text = PyBytes_CheckExact(source);
	bool is_recorded;
	if (is_forged(event, arguments))
		return NO_OBJECTION;
	if (!is_judged())
		return is_text ? check_text_of_imp(event, arguments, source) : NO_OBJECTION;
	if (is_announced(source, argument_of(arguments, 1), &is_recorded))
		return is_recorded ? RECORDED : NO_OBJECTION;
	return is_text ? check_unannounced(event, arguments, source)
				   : veto(event, arguments, UNSIGNED_TREE);
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
	PyObject *bytes = argument_of(arguments, 0);
	bool is_recorded;
	if (rules.python_code == STRING_CODE_AUDIT || is_forged(event, arguments) ||
		!PyBytes_CheckExact(bytes))
		return NO_OBJECTION;
	if (is_announced(bytes, Py_None, &is_recorded))
		return is_recorded ? RECORDED : NO_OBJECTION;
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
