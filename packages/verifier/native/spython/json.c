/* JSON (RFC 8259) as trust indexes and host configurations use it: numbers are whole, without sign, at most 2^53; no NUL
 * in strings, no name twice in an object that is asked, 16 levels. In place, and without recursion. */
#include "spython.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 };

/* Octets of the character that text begins with; 0 where that is not UTF-8 (RFC 3629). Reads no further than a NUL. */
size_t utf8_length(const char *text) {
	const uint8_t *u = (const uint8_t *)text;
	size_t length = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < length; i++)
		if ((u[i] & 0xc0) != 0x80) return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f)) return 0;
	return (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f) ? 0 : length;
}

static char *skip_space(char *at) { return at + strspn(at, " \t\r\n"); }

/* Four hexadecimal digits; above 0xffff where they are none. */
static unsigned read_unit(const char *at) {
	char digits[5] = "";
	memcpy(digits, at, strnlen(at, 4));
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (unsigned)strtoul(digits, NULL, 16) : 0x10000;
}

/* Behind `\u`: writes a character, or two units for one, and returns what follows; null where it is none, or NUL. */
static char *read_escaped(char *at, char **to) {
	unsigned c = read_unit(at);
	if (c >= 0xd800 && c < 0xdc00 && at[4] == '\\' && at[5] == 'u') {
		unsigned low = read_unit(at + 6);
		if (low < 0xdc00 || low > 0xdfff) return NULL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		at += 6;
	} else if (c == 0 || c > 0xffff || (c >= 0xd800 && c < 0xe000)) return NULL;
	char *u = *to;
	if (c < 0x80) *u++ = (char)c;
	else {
		if (c < 0x800) *u++ = (char)(0xc0 | c >> 6);
		else {
			if (c < 0x10000) *u++ = (char)(0xe0 | c >> 12);
			else *u++ = (char)(0xf0 | c >> 18), *u++ = (char)(0x80 | (c >> 12 & 0x3f));
			*u++ = (char)(0x80 | (c >> 6 & 0x3f));
		}
		*u++ = (char)(0x80 | (c & 0x3f));
	}
	*to = u;
	return at + 4;
}

static char *read_string(char *at, struct json *value) {
	static const char NAMES[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
	if (*at++ != '"') return NULL;
	char *to = at;
	*value = (struct json){.kind = JSON_STRING, .text = at, .next = value + 1};
	while (*at != '"') {
		if ((uint8_t)*at < ' ') return NULL;
		if (*at != '\\') {
			size_t length = utf8_length(at);
			if (length == 0) return NULL;
			memmove(to, at, length);
			to += length;
			at += length;
			continue;
		}
		const char *name = *++at == 0 ? NULL : strchr(NAMES, *at);
		if (name != NULL) *to++ = MEANT[name - NAMES], at++;
		else if (*at != 'u' || (at = read_escaped(at + 1, &to)) == NULL) return NULL;
	}
	*to = 0;
	return at + 1;
}

static char *read_scalar(char *at, struct json *value) {
	static const char *const WORDS[] = {"null", "true", "false"};
	if (*at == '"') return read_string(at, value);
	*value = (struct json){.kind = JSON_NUMBER, .next = value + 1};
	for (int i = JSON_NULL; i <= JSON_FALSE; i++)
		if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0) return value->kind = i, at + strlen(WORDS[i]);
	size_t digits = strspn(at, "0123456789");
	if (digits == 0 || digits > 16 || (*at == '0' && digits > 1)) return NULL;
	value->number = strtoull(at, NULL, 10);
	return value->number > (uint64_t)1 << 53 ? NULL : at + digits;
}

static char *read_key(char *at, struct json *key) {
	if ((at = read_string(at, key)) == NULL || *(at = skip_space(at)) != ':') return NULL;
	return at + 1;
}

static char end_of(const struct json *container) { return container->kind == JSON_OBJECT ? '}' : ']'; }

/* The document, for good; null where it is none. `text` is changed, and has a NUL at `length`. */
const struct json *parse_json(char *text, size_t length) {
	struct json *values = malloc((length / 2 + 2) * sizeof *values), *next = values, *open[MAX_DEPTH];
	int depth = 0;
	if (values == NULL) return NULL;
	for (char *at = text; at != NULL;) {
		struct json *value = next++;
		at = skip_space(at);
		if (*at == '{' || *at == '[') {
			if (depth == MAX_DEPTH) break;
			*value = (struct json){.kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY};
			open[depth++] = value;
			at = skip_space(at + 1);
			if (*at != end_of(value)) {
				if (value->kind == JSON_OBJECT) at = read_key(at, next++);
				continue;
			}
		} else if ((at = read_scalar(at, value)) == NULL) break;
		for (at = skip_space(at); depth > 0 && *at == end_of(open[depth - 1]); at = skip_space(at + 1)) open[--depth]->next = next;
		if (depth == 0) {
			if (at == text + length) return values;
			break;
		}
		if (*at++ != ',') break;
		if (open[depth - 1]->kind == JSON_OBJECT) at = read_key(skip_space(at), next++);
	}
	free(values);
	return NULL;
}

/* Null where the object is null or none, or has no such member. */
const struct json *json_member(const struct json *object, const char *name) {
	if (object == NULL || object->kind != JSON_OBJECT) return NULL;
	for (const struct json *key = object + 1; key < object->next; key = key[1].next)
		if (strcmp(key->text, name) == 0) return key + 1;
	return NULL;
}

/* Whether it is an object whose members are all among `names`, at most 32 words, and none there twice. */
int json_has_only(const struct json *value, const char *names) {
	uint32_t seen = 0;
	if (value == NULL || value->kind != JSON_OBJECT) return 0;
	for (const struct json *key = value + 1; key < value->next; key = key[1].next) {
		size_t length = strlen(key->text);
		uint32_t bit = 1;
		const char *name = names;
		while (*name != 0 && (strncmp(name, key->text, length) != 0 || (name[length] != ' ' && name[length] != 0) || length == 0)) {
			name += strcspn(name, " ");
			name += *name == ' ';
			bit <<= 1;
		}
		if (*name == 0 || (seen & bit) != 0) return 0;
		seen |= bit;
	}
	return 1;
}

/* Which of the names it is: 0 where there is no value, -1 for none of them. */
int json_choice(const struct json *value, const char *const *names) {
	if (value == NULL) return 0;
	for (int i = 0; names[i] != NULL && value->kind == JSON_STRING; i++)
		if (strcmp(value->text, names[i]) == 0) return i;
	return -1;
}
