/* Recognizes the texts of functions of the standard library, which they fill with names and
 * annotations that a program gives them:
 *
 *   collections.namedtuple: `lambda _cls, a, b: _tuple_new(_cls, (a, b))`
 *   typing.ForwardRef: an annotation, such as `dict[str, "a.B | None"]`
 *   dataclasses: `def __create_fn__(…):` around the methods of a class, line by line
 *
 * and of one that looks up a name:
 *
 *   inspect.signature: `sys.maxsize`, a default in the signature of a function in C
 *
 * Guarantees that a name before a parenthesis, which is a call, is one that the shape allows. Words
 * of the language that do anything else are refused. What the text's names mean is the caller's
 * affair: a text of these shapes cannot make code of another text unseen, because exec() is judged
 * like any other. */
#include "text-shapes.h"
#include <stdlib.h>
#include <strings.h>

/* Bytes from 0x80 on are letters. A name with such letters is never one that a shape names. */
static const char NAME[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

static size_t name_length(const char *text)
{
	size_t length = 0;
	while (
		text[length] != '\0' && (strchr(NAME, text[length]) != NULL || (text[length] & 0x80) != 0))
		length++;
	return length;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

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

/* The state of reading a text part by part. */
struct reading {
	const char *next;
	const char *words; /* the words of the language that may occur */
	const char *signs; /* the other characters that may occur */
	bool is_of_method; /* strings may be f-strings, and defaults may be made, as dataclasses does */
	/* The part before is a value, so that a parenthesis would call it. */
	bool is_value;
	bool is_called; /* the part before makes the default of a field */
};

/* Returns the length of an f-string's part in braces, `{self.x!r}` or `{self.x}`, or 0 if it has
 * another form. */
static size_t braces_length(const char *text)
{
	size_t length = 1;
	for (;;) {
		const size_t name = name_length(text + length);
		length += name;
		if (name == 0 || text[length] != '.')
			break;
		length++;
	}
	if (starts_with(text + length, "!r"))
		length += 2;
	return text[length] == '}' ? length + 1 : 0;
}

/* Skips a string without escapes, and with `is_format` an f-string. Returns false if it has another
 * form. No string follows at once: two could be the beginning of one with three quotes. */
static bool skip_string(struct reading *reading, bool is_format)
{
	const char quote = *reading->next;
	const char *at = reading->next + 1;
	while (*at != quote) {
		if (*at == '\0' || *at == '\\' || *at == '\n' || (is_format && *at == '}'))
			return false;
		const size_t length = is_format && *at == '{' ? braces_length(at) : 1;
		if (length == 0)
			return false;
		at += length;
	}
	reading->next = at + 1;
	reading->is_value = true;
	reading->is_called = false;
	return *reading->next != '"' && *reading->next != '\'';
}

/* Returns true if `name` is a word of the language. */
static bool is_word(const char *name)
{
	return word_index(name,
			   "False None True and as assert async await break class continue def del elif else "
			   "except finally for from global if import in is lambda nonlocal not or pass raise "
			   "return try while with yield") >= 0;
}

/* Returns true if this is a call without arguments of a function that makes the default of a field.
 */
static bool is_default(const char *name, const char *behind)
{
	return (starts_with(name, "_dflt_") || starts_with(name, "__dataclass_dflt_")) &&
		starts_with(behind, "()");
}

static bool take_name(struct reading *reading)
{
	char name[256];
	const size_t length = name_length(reading->next);
	const char *behind = reading->next + length;
	if (length >= sizeof name)
		return false;
	snprintf(name, sizeof name, "%.*s", (int)length, reading->next);
	reading->next = behind;
	if (*behind == '"' || *behind == '\'')
		return reading->is_of_method && strcmp(name, "f") == 0 && skip_string(reading, true);
	const bool is_language = is_word(name);
	if (is_language && word_index(name, reading->words) < 0)
		return false;
	reading->is_called = reading->is_of_method && is_default(name, behind);
	reading->is_value = !is_language || word_index(name, "None True False") >= 0;
	return true;
}

static bool take_sign(struct reading *reading)
{
	const char sign = *reading->next;
	if (strchr(reading->signs, sign) == NULL)
		return false;
	if (sign == '(' && reading->is_value && !reading->is_called)
		return false;
	reading->next++;
	const bool is_blank = sign == ' ' || sign == '\n';
	if (is_blank)
		return true;
	reading->is_value = sign == ')' || sign == ']' || sign == '}';
	reading->is_called = false;
	return true;
}

/* Returns true if the whole text consists of parts that `reading` allows. */
static bool is_of_parts(struct reading *reading)
{
	while (*reading->next != '\0') {
		const char next = *reading->next;
		bool is_taken;
		if (next == '"' || next == '\'')
			is_taken = skip_string(reading, false);
		else if (name_length(reading->next) > 0)
			is_taken = take_name(reading);
		else
			is_taken = take_sign(reading);
		if (!is_taken)
			return false;
	}
	return true;
}

static bool is_annotation(const char *text)
{
	struct reading reading = {
		.next = text,
		.words = "None True False",
		.signs = " \n.,[]()|*-",
	};
	return is_of_parts(&reading);
}

/* Returns what stands behind `start`, in which a * is any name. Returns null if the line begins
 * otherwise. */
static const char *behind_start(const char *line, const char *start)
{
	for (; *start != '\0'; start++) {
		const size_t length = *start == '*' ? name_length(line) : *line == *start;
		if (length == 0)
			return NULL;
		line += length;
	}
	return line;
}

static const char SETS[] = " def __setattr__(self,name,value):";
static const char DELETES[] = " def __delattr__(self,name):";
static const char HASHES[] = " def __hash__(self):";

/* The object whose members `__init__` sets; the second if a field is named `self`. */
#define SELF "self"
#define OTHER_SELF "__dataclass_self__"

/* The lines that dataclasses makes behind the first, each with all that it calls but defaults. What
 * follows the start has no call. */
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

/* Returns true for the first line, which lists names: none of a function that a method calls. */
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

/* Encodings */

/* Returns true if the name is that of an encoding which CPython decodes in C. After a dash CPython
 * lets some of these names have any ending (PEP 263). With an ending, the others are names of
 * codecs that a program could register. */
static bool is_fixed(const char *name, size_t length)
{
	static const char *const FIXED[] = {"utf8", "latin1", "ascii", "us-ascii"};
	static const char *const WITH_ENDINGS[] = {
		"utf-8", "utf_8", "latin-1", "latin_1", "iso-8859-1", "iso_8859_1"};
	for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++) {
		if (strlen(FIXED[i]) == length && strncasecmp(name, FIXED[i], length) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof WITH_ENDINGS / sizeof *WITH_ENDINGS; i++) {
		const size_t fixed = strlen(WITH_ENDINGS[i]);
		const bool begins = length >= fixed && strncasecmp(name, WITH_ENDINGS[i], fixed) == 0;
		if (begins && (length == fixed || name[fixed] == '-' || name[fixed] == '_'))
			return true;
	}
	return false;
}

/* Returns true if the line names no encoding, or one of those above. The form is that of PEP 263,
 * but without regard to what stands before. */
static bool is_fixed_line(const char *line, size_t length)
{
	static const char CODING[] = "coding";
	const char *end = line + length;
	for (const char *at = line; at + sizeof CODING < end; at++) {
		if (strncmp(at, CODING, sizeof CODING - 1) != 0)
			continue;
		const char *name = at + sizeof CODING - 1;
		if (*name != ':' && *name != '=')
			continue;
		name++;
		name += strspn(name, " \t");
		const size_t name_bytes =
			strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
		if (name_bytes > 0 && !is_fixed(name, name_bytes))
			return false;
	}
	return true;
}

bool is_in_fixed_encoding(const char *text)
{
	for (int line = 0; line < 2; line++) {
		const size_t length = strcspn(text, "\r\n");
		const char *comment = memchr(text, '#', length);
		if (comment != NULL && !is_fixed_line(comment, length - (size_t)(comment - text)))
			return false;
		text += length;
		text += strncmp(text, "\r\n", 2) == 0 ? 2 : *text != '\0';
	}
	return true;
}
