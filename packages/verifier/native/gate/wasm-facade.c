/* Knows the module that Node.js makes to import WebAssembly.
 *
 * It imports what the WebAssembly imports, exports what this exports, and lets Node.js fill both
 * in. Only specifiers and names differ. Each is a literal, so nothing in it runs, and what a
 * specifier leads to is judged when it is loaded. The template is in createDynamicModule() of
 * Node.js. */
#include "gate.h"
#include <stdio.h>
#include <string.h>

/* Goes past this text. Returns false if `*next` does not begin with it. */
static bool take(const char **next, const char *text)
{
	const size_t length = strlen(text);
	if (strncmp(*next, text, length) != 0)
		return false;
	*next += length;
	return true;
}

/* Goes past a number of the form `PREFIX_NUMBER` and the text behind it. */
static bool take_numbered(const char **next, const char *prefix, size_t number, const char *behind)
{
	char text[64];
	snprintf(text, sizeof text, "%s_%zu", prefix, number);
	return take(next, text) && take(next, behind);
}

/* Returns the length of the literal at the beginning, with its quotation marks, or 0 if there is
 * none. JSON.stringify() writes no control character as it is. */
static size_t literal_length(const char *text)
{
	size_t length = 1;
	if (*text != '"')
		return 0;
	while (text[length] != '"') {
		if ((unsigned char)text[length] < ' ')
			return 0;
		length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
	}
	return length + 1;
}

/* A literal, which lies in the text. */
struct literal {
	const char *text;
	size_t length;
};

/* Goes past a literal, and the text behind it. */
static bool take_literal(const char **next, struct literal *literal, const char *behind)
{
	*literal = (struct literal){*next, literal_length(*next)};
	*next += literal->length;
	return literal->length != 0 && take(next, behind);
}

/* Goes past the same literal, which comes again. */
static bool take_again(const char **next, const struct literal *literal)
{
	if (strncmp(*next, literal->text, literal->length) != 0)
		return false;
	*next += literal->length;
	return true;
}

static bool take_import(const char **next, size_t number)
{
	struct literal specifier;
	return take_numbered(next, "import * as $import", number, " from ") &&
		take_literal(next, &specifier, ";\nimport.meta.imports[") && take_again(next, &specifier) &&
		take_numbered(next, "] = $import", number, ";\n");
}

static bool take_export(const char **next, size_t number)
{
	struct literal name;
	return take_numbered(next, "let $export", number, ";\n") &&
		take_numbered(next, "export { $export", number, " as ") &&
		take_literal(next, &name, " };\nimport.meta.exports[") && take_again(next, &name) &&
		take_numbered(next, "] = {\n  get: () => $export", number, ",\n") &&
		take_numbered(next, "  set: (v) => $export", number, " = v,\n};\n");
}

/* Goes past all parts, each of which ends with a line feed. An empty list is an empty line. */
static void take_all(const char **next, bool (*take_part)(const char **, size_t))
{
	size_t count = 0;
	const char *at = *next;
	while (take_part(&at, count)) {
		*next = at;
		count++;
	}
	if (count == 0)
		take(next, "\n");
}

bool is_wasm_facade(const void *string)
{
	struct text text = copy_text_or_end(string);
	const char *next = text.bytes;
	bool is_facade = take(&next, "\n");
	take_all(&next, take_import);
	take_all(&next, take_export);
	is_facade = is_facade && strcmp(next, "import.meta.done();\n") == 0 &&
		strlen(text.bytes) == text.length;
	free_copy(text.bytes);
	return is_facade;
}
