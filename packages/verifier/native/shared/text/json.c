/* Guarantees that no document exhausts the stack, because the text is read in one pass and without
 * recursion. While an array or object is not read to its end, its `next` points to the array or
 * object around it. The NUL after the text can be no part of JSON, so every loop ends there. Each
 * function that reads a value returns the position after the value, or NULL if the text is not
 * JSON. */

#include "json.h"
#include "utf8.h"
#include <stdbool.h>
#include <string.h>

enum { HEX_DIGITS = 4 };
static const uint64_t MAX_NUMBER = ((uint64_t)1 << 53) - 1;

static char *behind_space(char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

/* Returns the number that four hexadecimal digits stand for, or -1. */
static int32_t read_hex(const char *at)
{
	int32_t number = 0;
	for (int i = 0; i < HEX_DIGITS; i++) {
		const char digit = at[i];
		int32_t value;
		if (digit >= '0' && digit <= '9')
			value = digit - '0';
		else if (digit >= 'a' && digit <= 'f')
			value = digit - 'a' + 10;
		else if (digit >= 'A' && digit <= 'F')
			value = digit - 'A' + 10;
		else
			return -1;
		number = number * 16 + value;
	}
	return number;
}

/* Writes a character as UTF-8, in at most as many bytes as its escape has. Returns the position
 * after the character. */
static char *write_utf8(char *to, int32_t character)
{
	if (character < 0x80) {
		*to++ = (char)character;
		return to;
	}
	if (character < 0x800) {
		*to++ = (char)(0xc0 | character >> 6);
	} else if (character < 0x10000) {
		*to++ = (char)(0xe0 | character >> 12);
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
	} else {
		*to++ = (char)(0xf0 | character >> 18);
		*to++ = (char)(0x80 | (character >> 12 & 0x3f));
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (character & 0x3f));
	return to;
}

static bool is_between(int32_t unit, int32_t first, int32_t last)
{
	return unit >= first && unit <= last;
}

/* Reads the text after `\u`: four digits, or the two halves of a surrogate pair. `character`
 * becomes 0 if a C string in UTF-8 cannot contain the character. */
static char *read_unicode(char *at, int32_t *character)
{
	const int32_t unit = read_hex(at);
	if (unit < 0)
		return NULL;
	at += HEX_DIGITS;
	*character = is_between(unit, 0xd800, 0xdfff) ? 0 : unit;
	if (!is_between(unit, 0xd800, 0xdbff) || at[0] != '\\' || at[1] != 'u')
		return at;
	const int32_t low = read_hex(at + 2);
	if (!is_between(low, 0xdc00, 0xdfff))
		return at;
	*character = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	return at + 2 + HEX_DIGITS;
}

static char *read_string(char *at, struct json *value)
{
	static const char NAMES[] = "\"\\/bfnrt";
	static const char MEANT[] = "\"\\/\b\f\n\r\t";
	if (*at != '"')
		return NULL;
	at++;
	*value = (struct json){.kind = JSON_STRING, .text = at, .next = value + 1};
	char *to = at;
	while (*at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at != '\\') {
			*to++ = *at++;
			continue;
		}
		at++;
		if (*at == 'u') {
			int32_t character;
			at = read_unicode(at + 1, &character);
			if (at == NULL)
				return NULL;
			if (character == 0)
				value->kind = JSON_OTHER_STRING;
			else
				to = write_utf8(to, character);
			continue;
		}
		const char *name = *at == '\0' ? NULL : strchr(NAMES, *at);
		if (name == NULL)
			return NULL;
		*to++ = MEANT[name - NAMES];
		at++;
	}
	*to = '\0';
	if (value->kind == JSON_OTHER_STRING)
		value->text = "";
	return at + 1;
}

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

static char *behind_digits(char *at)
{
	while (is_digit(*at))
		at++;
	return at;
}

static char *read_number(char *at, struct json *value)
{
	*value = (struct json){.kind = JSON_NUMBER, .next = value + 1};
	if (*at == '-') {
		value->kind = JSON_OTHER_NUMBER;
		at++;
	}
	if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
		return NULL;
	for (; is_digit(*at); at++) {
		if (value->number <= MAX_NUMBER)
			value->number = 10 * value->number + (uint64_t)(*at - '0');
	}
	if (value->number > MAX_NUMBER)
		value->kind = JSON_OTHER_NUMBER;
	if (*at == '.') {
		if (!is_digit(at[1]))
			return NULL;
		value->kind = JSON_OTHER_NUMBER;
		at = behind_digits(at + 1);
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '+' || *at == '-')
			at++;
		if (!is_digit(*at))
			return NULL;
		value->kind = JSON_OTHER_NUMBER;
		at = behind_digits(at);
	}
	return at;
}

static char *read_scalar(char *at, struct json *value)
{
	static const char *const WORDS[] = {"null", "true", "false"};
	if (*at == '"')
		return read_string(at, value);
	for (int i = JSON_NULL; i <= JSON_FALSE; i++) {
		const size_t length = strlen(WORDS[i]);
		if (strncmp(at, WORDS[i], length) == 0) {
			*value = (struct json){.kind = (enum json_kind)i, .next = value + 1};
			return at + length;
		}
	}
	return read_number(at, value);
}

static char end_of(const struct json *container)
{
	return container->kind == JSON_OBJECT ? '}' : ']';
}

const struct json *parse_json(char *text, size_t size, struct json *values, size_t room)
{
	struct json *value = values;
	struct json *open = NULL;
	if (strlen(text) != size || !is_utf8((const unsigned char *)text, size))
		return NULL;
	for (char *at = behind_space(text);; at = behind_space(at)) {
		if ((size_t)(value - values) + 2 > room)
			return NULL;
		if (open != NULL && open->kind == JSON_OBJECT) {
			at = read_string(at, value);
			if (at == NULL)
				return NULL;
			at = behind_space(at);
			if (*at != ':')
				return NULL;
			value++;
			at = behind_space(at + 1);
		}
		if (*at == '{' || *at == '[') {
			const enum json_kind kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY;
			*value = (struct json){.kind = kind, .next = open};
			open = value;
			value++;
			at = behind_space(at + 1);
			if (*at != end_of(open))
				continue;
		} else {
			at = read_scalar(at, value);
			if (at == NULL)
				return NULL;
			value++;
		}
		at = behind_space(at);
		while (open != NULL && *at == end_of(open)) {
			struct json *around = open->next;
			open->next = value;
			open = around;
			at = behind_space(at + 1);
		}
		if (open == NULL)
			return at == text + size ? values : NULL;
		if (*at != ',')
			return NULL;
		at++;
	}
}

const struct json *json_member(const struct json *object, const char *name)
{
	const struct json *found = NULL;
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *key = object + 1; key < object->next; key = key[1].next) {
		if (key->kind == JSON_STRING && strcmp(key->text, name) == 0)
			found = key + 1;
	}
	return found;
}

const struct json *find_by(const struct json *list, const char *member, const char *text)
{
	EACH(each, list) {
		const struct json *value = json_member(each, member);
		if (value != NULL && strcmp(value->text, text) == 0)
			return each;
	}
	return NULL;
}
