/* Recognizes the texts of which functions of the standard library make code. They fill these texts
 * with names and annotations that a program gives them:
 *
 *   collections.namedtuple: `lambda _cls, a, b: _tuple_new(_cls, (a, b))`
 *   typing.ForwardRef: an annotation, such as `dict[str, "a.B | None"]`
 *   dataclasses: `def __create_fn__(…):` around the methods of a class, line by line
 *
 * One function only looks up a name:
 *
 *   inspect.signature: `sys.maxsize`, a default in the signature of a function in C
 *
 * Guarantees that a text calls only what its shape names (a call is a name before a parenthesis),
 * and that it has no other words of the language than its shape. A program decides what the names
 * mean. But it cannot make code of another text unseen that way, because exec() is judged too. */
#include "text-shapes.h"
#include "code-parts.h"
#include "../shared/text/words.h"
#include <stdlib.h>
#include <string.h>

/* namedtuple */

/* Returns the length of a list of names that are separated by ", ". A comma may be the last. */
static size_t list_length(const char *text)
{
	size_t length = 0;
	for (;;) {
		const size_t name = name_length(text + length);
		length += name;
		if (name == 0 || text[length] != ',')
			return length;
		length++;
		if (text[length] != ' ')
			return length;
		length++;
	}
}

static bool is_namedtuple(const char *text)
{
	static const char LAMBDA[] = "lambda _cls, ";
	static const char DEFINITION[] = "def __new__(_cls, "; /* in 3.8 */
	const bool is_lambda = starts_with(text, LAMBDA);
	if (!is_lambda && !starts_with(text, DEFINITION))
		return false;
	const char *list = text + strlen(is_lambda ? LAMBDA : DEFINITION);
	const size_t length = list_length(list);
	const char *rest = list + length;
	const char *middle = is_lambda ? ": _tuple_new(_cls, (" : "): return _tuple_new(_cls, (";
	if (!starts_with(rest, middle))
		return false;
	rest += strlen(middle);
	return strncmp(rest, list, length) == 0 && strcmp(rest + length, "))") == 0;
}

/* Annotations and dataclasses */

static bool is_annotation(const char *text)
{
	struct reading reading = {
		.next = text,
		.words = "None True False",
		.signs = " \n.,[]()|*-",
	};
	return is_of_parts(&reading);
}

static const char SETS[] = " def __setattr__(self,name,value):";
static const char DELETES[] = " def __delattr__(self,name):";
static const char HASHES[] = " def __hash__(self):";

/* The object whose members `__init__` sets; the second if a field is named `self`. */
#define SELF "self"
#define OTHER_SELF "__dataclass_self__"

/* The lines that dataclasses makes behind the first. The start of a line has every call in it,
 * except those that make the default of a field. */
static const struct line {
	const char *start;
	const char *words; /* as in struct reading, for what follows */
	const char *signs; /* null if nothing follows */
	const char *definition; /* the line of the method, or null for any */
} LINES[] = {
	{"", "", NULL, NULL},
	{" def *(", "", " ,:=()*->", NULL},
	{" @__dataclasses_recursive_repr()", "", NULL, NULL},
	{"  pass", "", NULL, NULL},
	{"  " SELF ".*=", "if is else", " ()", NULL},
	{"  " OTHER_SELF ".*=", "if is else", " ()", NULL},
	{"  BUILTINS.object.__setattr__(" SELF ",", "if is else", " ,()", NULL}, /* in 3.8 and 3.9 */
	{"  BUILTINS.object.__setattr__(" OTHER_SELF ",", "if is else", " ,()", NULL},
	{"  __dataclass_builtins_object__.__setattr__(" SELF ",", "if is else", " ,()", NULL},
	{"  __dataclass_builtins_object__.__setattr__(" OTHER_SELF ",", "if is else", " ,()", NULL},
	{"  " SELF ".__post_init__(", "", " ,()", NULL},
	{"  " OTHER_SELF ".__post_init__(", "", " ,()", NULL},
	{"  if self is other:", "", NULL, NULL},
	{"  if other.__class__ is self.__class__:", "", NULL, NULL},
	{"   return ", "and True", " .,()=<>", NULL},
	{"  return ", "", " .+", NULL},
	{"  return hash((", "", ".,()", HASHES},
	{"  if type(self) is cls", "or in", " ,(){}:", SETS},
	{"  if type(self) is cls", "or in", " ,(){}:", DELETES},
	{"   raise FrozenInstanceError(f\"cannot assign to field {name!r}\")", "", NULL, SETS},
	{"   raise FrozenInstanceError(f\"cannot delete field {name!r}\")", "", NULL, DELETES},
	{"  super(cls, self).__setattr__(name, value)", "", NULL, SETS},
	{"  super(cls, self).__delattr__(name)", "", NULL, DELETES},
	{" return ", "", " ,()", NULL},
};

static bool is_line(const char *line, const char *definition)
{
	if (strstr(line, ":=") != NULL)
		return false;
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		const struct line *each = &LINES[i];
		struct reading reading = {
			.next = behind_start(line, each->start),
			.words = each->words,
			.signs = each->signs,
			.is_of_method = true,
		};
		if (reading.next == NULL ||
			(each->definition != NULL && strcmp(definition, each->definition) != 0))
			continue;
		if (each->signs == NULL ? *reading.next == '\0' : is_of_parts(&reading))
			return true;
	}
	return false;
}

/* Returns true for the first line, which lists names. None of them may be the name of a function
 * that a method calls. */
static bool is_first_line(const char *line)
{
	const char *next = behind_start(line, "def __create_fn__(");
	char name[256];
	while (next != NULL) {
		next += strspn(next, ", ");
		const size_t length = name_length(next);
		snprintf(name, sizeof name, "%.*s", (int)length, next);
		if (length == 0)
			return strcmp(next, "):") == 0;
		if (word_index(name, "hash type super") >= 0)
			return false;
		next += length;
	}
	return false;
}

static bool is_dataclass(const char *text)
{
	char *copy = strdup(text);
	char *rest = copy;
	const char *definition = "";
	bool is_allowed = copy != NULL && is_first_line(strsep(&rest, "\n"));
	while (is_allowed && rest != NULL) {
		const char *line = strsep(&rest, "\n");
		if (starts_with(line, " def "))
			definition = line;
		is_allowed = is_line(line, definition);
	}
	free(copy);
	return is_allowed;
}

/* Names with dots between them. */
static bool is_dotted_name(const char *text)
{
	for (;;) {
		const size_t length = name_length(text);
		text += length;
		if (length == 0 || *text == '\0')
			return length > 0;
		if (*text++ != '.')
			return false;
	}
}

bool has_shape_of(enum caller caller, const char *text)
{
	switch (caller) {
	case NAMEDTUPLE:
		return is_namedtuple(text);
	case FORWARD_REF:
		return is_annotation(text);
	case DATACLASS:
		return is_dataclass(text);
	case SIGNATURE:
		return is_dotted_name(text);
	default:
		return false;
	}
}
