/* One pass, in place, without recursion: a container's `next` is the one around it until it ends.
 * The NUL behind the text is no part of JSON, so it ends every loop. */

#include "json.h"
#include <string.h>

static char *behind_space(char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

static char end_of(const struct json *container)
{
	return container->kind == JSON_OBJECT ? '}' : ']';
}

/* These answer what is behind the value that begins here, or NULL where there is none. */
static char *read_string(char *at, struct json *value)
{
	static const char NAMES[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
	if (*at++ != '"')
		return NULL;
	*value = (struct json){.kind = JSON_STRING, .text = at, .next = value + 1};
	while (*at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
		at++;
	char *to = at;
	for (; *at != '"'; at++) {
		const char *name = *at == '\\' && at[1] != '\0' ? strchr(NAMES, at[1]) : NULL;
		if ((unsigned char)*at < ' ' || (*at == '\\' && name == NULL))
			return NULL;
		at += name != NULL;
		*to++ = name == NULL ? *at : MEANT[name - NAMES];
	}
	*to = '\0';
	return at + 1;
}

static char *read_number(char *at, struct json *value)
{
	*value = (struct json){.kind = JSON_NUMBER, .next = value + 1};
	if (*at == '0')
		return at + 1;
	const char *first = at;
	for (; *at >= '0' && *at <= '9' && value->number < (uint64_t)1 << 53; at++)
		value->number = 10 * value->number + (uint64_t)(*at - '0');
	return at == first || value->number > (uint64_t)1 << 53 ? NULL : at;
}

static char *read_scalar(char *at, struct json *value)
{
	static const char *const WORDS[] = {"null", "true", "false"};
	if (*at == '"')
		return read_string(at, value);
	for (int i = JSON_NULL; i <= JSON_FALSE; i++) {
		if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0) {
			*value = (struct json){.kind = i, .next = value + 1};
			return at + strlen(WORDS[i]);
		}
	}
	return read_number(at, value);
}

const struct json *parse_json(char *text, size_t size, struct json *values, size_t room)
{
	struct json *value = values, *open = NULL;
	for (char *at = behind_space(text);; at = behind_space(at)) {
		if ((size_t)(value - values) + 2 > room)
			return NULL;
		if (open != NULL && open->kind == JSON_OBJECT) {
			at = read_string(at, value++);
			if (at == NULL || *(at = behind_space(at)) != ':')
				return NULL;
			at = behind_space(at + 1);
		}
		if (*at == '{' || *at == '[') {
			*value = (struct json){.kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY, .next = open};
			open = value++;
			at = behind_space(at + 1);
			if (*at != end_of(open))
				continue;
		} else if ((at = read_scalar(at, value++)) == NULL)
			return NULL;
		while (open != NULL && *(at = behind_space(at)) == end_of(open)) {
			struct json *around = open->next;
			open->next = value;
			open = around;
			at++;
		}
		if (open == NULL)
			return behind_space(at) == text + size ? values : NULL;
		if (*at++ != ',')
			return NULL;
	}
}

const struct json *json_member(const struct json *object, const char *name)
{
	const struct json *found = NULL;
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *key = object + 1; key < object->next; key = key[1].next)
		if (strcmp(key->text, name) == 0)
			found = key + 1;
	return found;
}
