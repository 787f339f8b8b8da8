/* JSON (RFC 8259) as trust indexes and host configurations have it: whole numbers without a sign, at most 2^53; no `\u`, as
 * UTF-8 stands for itself and control characters are in no name; 16 levels. In place, and without recursion. */
#include "spython.h"

enum { MAX_DEPTH = 16 };

static char *skip_space(char *at) { return at + strspn(at, " \t\r\n"); }
static char end_of(const struct json *container) { return container->kind == JSON_OBJECT ? '}' : ']'; }

static char *read_string(char *at, struct json *value) {
	static const char NAMES[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
	if (*at++ != '"') return NULL;
	char *to = at;
	*value = (struct json){.kind = JSON_STRING, .text = at, .next = value + 1};
	for (; *at != '"'; at++) {
		const char *name = *at == '\\' && at[1] != 0 ? strchr(NAMES, at[1]) : NULL;
		if ((uint8_t)*at < ' ' || (*at == '\\' && name == NULL)) return NULL;
		at += name != NULL;
		*to++ = name == NULL ? *at : MEANT[name - NAMES];
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
	const size_t digits = strspn(at, "0123456789");
	value->number = strtoull(at, NULL, 10);
	return digits == 0 || digits > 16 || (*at == '0' && digits > 1) || value->number > (uint64_t)1 << 53 ? NULL : at + digits;
}

static char *read_key(char *at, struct json *key) {
	return (at = read_string(at, key)) == NULL || *(at = skip_space(at)) != ':' ? NULL : at + 1;
}

/* The document, for good; null where it is none, which ends the process. `text` is changed, and has a NUL at `length`. */
const struct json *parse_json(char *text, size_t length) {
	struct json *values = malloc((length / 2 + MAX_DEPTH) * sizeof *values), *next = values, *open[MAX_DEPTH];
	int depth = 0;
	for (char *at = values == NULL ? NULL : text; at != NULL;) {
		struct json *value = next++;
		at = skip_space(at);
		if (*at == '{' || *at == '[') {
			if (depth == MAX_DEPTH) return NULL;
			*value = (struct json){.kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY};
			open[depth++] = value;
			at = skip_space(at + 1);
			if (*at != end_of(value)) {
				if (value->kind == JSON_OBJECT) at = read_key(at, next++);
				continue;
			}
		} else if ((at = read_scalar(at, value)) == NULL) return NULL;
		for (at = skip_space(at); depth > 0 && *at == end_of(open[depth - 1]); at = skip_space(at + 1)) open[--depth]->next = next;
		if (depth == 0) return at == text + length ? values : NULL;
		if (*at++ != ',') return NULL;
		if (open[depth - 1]->kind == JSON_OBJECT) at = read_key(skip_space(at), next++);
	}
	return NULL;
}

/* Null where the object is null or none, or has no such member. */
const struct json *json_member(const struct json *object, const char *name) {
	if (object == NULL || object->kind != JSON_OBJECT) return NULL;
	for (const struct json *key = object + 1; key < object->next; key = key[1].next)
		if (strcmp(key->text, name) == 0) return key + 1;
	return NULL;
}

/* Where a word stands among others, which a space parts; -1 where it does not. */
int word_index(const char *word, const char *words) {
	const size_t length = strlen(word);
	for (int i = 0; *words != 0; i++, words += *words == ' ') {
		const size_t next = strcspn(words, " ");
		if (next == length && memcmp(words, word, length) == 0) return i;
		words += next;
	}
	return -1;
}

/* Whether it is an object whose members are all among `names`, at most 32, and none there twice. */
int json_has_only(const struct json *value, const char *names) {
	uint32_t seen = 0;
	if (value == NULL || value->kind != JSON_OBJECT) return 0;
	for (const struct json *key = value + 1; key < value->next; key = key[1].next) {
		const int i = word_index(key->text, names);
		if (i < 0 || (seen & 1u << i) != 0) return 0;
		seen |= 1u << i;
	}
	return 1;
}
