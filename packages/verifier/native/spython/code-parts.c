/* Reads a text of Python part by part: names, strings and other characters.
 *
 * Guarantees that a name before a parenthesis, which is a call, is one that the caller allows, and
 * that no other words of the language occur than those the caller names. */
#include "code-parts.h"
#include "../shared/settings/members.h"
#include "../shared/text/words.h"
#include <stdio.h>
#include <string.h>

/* Bytes from 0x80 on are letters. A name with such letters is never one that a shape names. */
static const char NAME[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

size_t name_length(const char *text)
{
	size_t length = 0;
	while (
		text[length] != '\0' && (strchr(NAME, text[length]) != NULL || (text[length] & 0x80) != 0))
		length++;
	return length;
}

bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

const char *behind_start(const char *line, const char *start)
{
	for (; *start != '\0'; start++) {
		const size_t length = *start == '*' ? name_length(line) : *line == *start;
		if (length == 0)
			return NULL;
		line += length;
	}
	return line;
}

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

bool is_of_parts(struct reading *reading)
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
