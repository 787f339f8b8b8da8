/* Guarantees that each line is a known key, one space and a value, and that a key occurs once
 * unless it is that of a list. */
#include "key-lines.h"
#include "../text/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 16 };

struct line {
	const char *key;
	char *value;
};

static struct json *add_text(struct json *value, const char *text)
{
	*value = (struct json){.kind = JSON_STRING, .text = text, .next = value + 1};
	return value + 1;
}

/* Adds the text as a number, if it is a whole number without sign and leading zeros. Otherwise adds
 * it as a string. */
static struct json *add_number(struct json *value, const char *text)
{
	const size_t length = strspn(text, "0123456789");
	const bool is_number =
		length > 0 && length <= MAX_DIGITS && text[length] == '\0' && (*text != '0' || length == 1);
	if (!is_number)
		return add_text(value, text);
	*value =
		(struct json){.kind = JSON_NUMBER, .number = strtoull(text, NULL, 10), .next = value + 1};
	return value + 1;
}

/* Adds an object of a path and the SHA-256 that follows the last space of the text. */
static struct json *add_pinned_file(struct json *value, char *text)
{
	struct json *object = value;
	char *space = strrchr(text, ' ');
	if (space != NULL)
		*space = '\0';
	value = add_text(value + 1, "path");
	value = add_text(value, text);
	if (space != NULL) {
		value = add_text(value, "sha256");
		value = add_text(value, space + 1);
	}
	*object = (struct json){.kind = JSON_OBJECT, .next = value};
	return value;
}

static struct json *add_value(struct json *value, const struct member *member, char *text)
{
	if (member->kind == IS_OBJECT)
		return add_pinned_file(value, text);
	if (member->kind == IS_NUMBER || member->kind == IS_VERSION)
		return add_number(value, text);
	return add_text(value, text);
}

/* Splits the line with this number, counted from 0, into a known key and a value. */
static bool split_line(char *text, const struct member *members, struct line lines[MAX_LINES],
	int number, struct fault *fault)
{
	char *space = strchr(text, ' ');
	if (number == 0 && strcmp(text, "version 1") != 0)
		return refuse_member(fault, "must be \"version 1\"", "line 1");
	if (space == NULL || space == text || space[1] == '\0')
		return refuse_member(fault, "must be \"key value\"", "line %d", number + 1);
	*space = '\0';
	const struct member *member = strchr(text, '.') == NULL ? find_member(members, text) : NULL;
	if (member == NULL)
		return refuse_member(fault, IS_UNKNOWN, "$.%s", text);
	for (int i = 0; i < number; i++) {
		if ((member->flags & LIST) == 0 && strcmp(lines[i].key, text) == 0)
			return refuse_member(fault, IS_TWICE, "$.%s", text);
	}
	lines[number] = (struct line){text, space + 1};
	return true;
}

static bool split_lines(char *text, const struct member *members, struct line lines[MAX_LINES],
	int *count, struct fault *fault)
{
	*count = 0;
	while (*text != '\0') {
		char *end = strchr(text, '\n');
		if (end == NULL)
			return refuse_member(fault, "must end with a line break", "line %d", *count + 1);
		if (*count == MAX_LINES)
			return refuse_member(
				fault, "must not be there: there are at most 256 lines", "line %d", *count + 1);
		*end = '\0';
		if (!split_line(text, members, lines, *count, fault))
			return false;
		text = end + 1;
		*count += 1;
	}
	return *count > 0 || refuse_member(fault, "must be \"version 1\"", "line 1");
}

const struct json *parse_key_lines(
	char *text, size_t size, const struct member *members, struct json *values, struct fault *fault)
{
	struct line lines[MAX_LINES];
	int count;
	if (strlen(text) != size || !is_utf8((const unsigned char *)text, size)) {
		refuse_member(fault, "it is not text in UTF-8", "%s", "");
		return NULL;
	}
	if (!split_lines(text, members, lines, &count, fault))
		return NULL;
	struct json *next = values + 1;
	for (const struct member *member = members; member->name != NULL; member++) {
		struct json *list = NULL;
		for (int i = 0; i < count; i++) {
			if (strcmp(lines[i].key, member->name) != 0)
				continue;
			if (list == NULL)
				next = add_text(next, member->name);
			if (list == NULL && (member->flags & LIST) != 0) {
				list = next;
				next++;
			}
			next = add_value(next, member, lines[i].value);
		}
		if (list != NULL)
			*list = (struct json){.kind = JSON_ARRAY, .next = next};
	}
	*values = (struct json){.kind = JSON_OBJECT, .next = next};
	return values;
}
