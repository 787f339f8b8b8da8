/* Knows the module that Node.js makes to import WebAssembly.
 *
 * It imports what the WebAssembly imports, exports what this exports, and lets Node.js fill both
 * in. Only specifiers and names differ. Each is a literal, so nothing in it runs, and what a
 * specifier leads to is judged when it is loaded. The template is in createDynamicModule() of
 * Node.js. */
#include "gate.h"
#include <stdio.h>
#include <stdlib.h>
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

/* Goes past a literal, and the text behind it. The literal comes again later, so `literal` becomes
 * a copy, which the caller frees. */
static bool take_literal(const char **next, char **literal, const char *behind)
{
	const size_t length = literal_length(*next);
	*literal = length == 0 ? NULL : strndup(*next, length);
	*next += length;
	return *literal != NULL && take(next, behind);
}

static bool take_import(const char **next, size_t number)
{
	char *specifier = NULL;
	const bool is_taken = take_numbered(next, "import * as $import", number, " from ") &&
		take_literal(next, &specifier, ";\nimport.meta.imports[") && take(next, specifier) &&
		take_numbered(next, "] = $import", number, ";\n");
	free(specifier);
	return is_taken;
}

static bool take_export(const char **next, size_t number)
{
	char *name = NULL;
	const bool is_taken = take_numbered(next, "let $export", number, ";\n") &&
		take_numbered(next, "export { $export", number, " as ") &&
		take_literal(next, &name, " };\nimport.meta.exports[") && take(next, name) &&
		take_numbered(next, "] = {\n  get: () => $export", number, ",\n") &&
		take_numbered(next, "  set: (v) => $export", number, " = v,\n};\n");
	free(name);
	return is_taken;
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
	free(text.bytes);
	return is_facade;
}
