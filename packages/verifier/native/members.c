#include "members.h"
#include "hex.h"
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 64 };

int word_index(const char *word, const char *words)
{
	const size_t length = strlen(word);
	for (int i = 0; *words != '\0'; i++, words += *words == ' ') {
		const size_t next = strcspn(words, " ");
		if (next == length && memcmp(words, word, length) == 0)
			return i;
		words += next;
	}
	return -1;
}

const struct member *find_member(const struct member *members, const char *name)
{
	while (members->name != NULL && strcmp(members->name, name) != 0)
		members++;
	return members->name == NULL ? NULL : members;
}

static bool are_texts(const struct json *list)
{
	EACH(value, list)
		if (value->kind != JSON_STRING)
			return false;
	return list->kind == JSON_ARRAY;
}

bool take_member(const struct member *member, const struct json *value)
{
	enum { ANY, SWITCH, NUMBER, VERSION, TEXT, PATH, DIGEST, TEXTS, LIST, OBJECT };
	const int is =
		word_index(member->is, "any switch number version text path digest texts list object");
	const bool is_text = value->kind == JSON_STRING;
	int word = -1;
	bool fits = true;
	switch (is) {
	case ANY:
		break;
	case SWITCH:
		word = value->kind == JSON_TRUE;
		fits = value->kind == JSON_TRUE || value->kind == JSON_FALSE;
		break;
	case NUMBER:
		fits = value->kind == JSON_NUMBER;
		break;
	case VERSION:
		fits = value->kind == JSON_NUMBER && value->number == 1;
		break;
	case TEXT:
		fits = is_text;
		break;
	case PATH:
		fits = is_text && *value->text == '/';
		break;
	case DIGEST:
		fits = is_text && is_sha256_hex(value->text);
		break;
	case TEXTS:
		fits = are_texts(value);
		break;
	case LIST:
		fits = value->kind == JSON_ARRAY;
		break;
	case OBJECT:
		fits = value->kind == JSON_OBJECT;
		break;
	default:
		word = is_text ? word_index(value->text, member->is) : -1;
		fits = word >= 0;
	}
	if (!fits || member->place == NULL)
		return fits;
	if (word >= 0)
		*(int *)member->place = word;
	else if (is == NUMBER)
		*(uint64_t *)member->place = value->number;
	else if (is == TEXT || is == PATH || is == DIGEST)
		*(const char **)member->place = value->text;
	else
		*(const struct json **)member->place = value;
	return true;
}

/* What is read has dots in none of its names, or one would stand for a member further in. */
const char *read_members(const struct json *object, const char *of, const struct member *members)
{
	static char wrong[MAX_NAME];
	char name[MAX_NAME];
	const char *inside = NULL;
	uint64_t seen = 0;
	if (object == NULL || object->kind != JSON_OBJECT)
		return *of == '\0' ? "$" : strcpy(wrong, of);
	for (const struct json *key = object + 1; inside == NULL && key < object->next;
		key = key[1].next) {
		snprintf(name, sizeof name, "%s%s%s", of, *of == '\0' ? "" : ".", key->text);
		const struct member *member = find_member(members, name);
		const uint64_t bit = member == NULL ? 0 : (uint64_t)1 << (member - members);
		if (member == NULL || strchr(key->text, '.') != NULL || (seen & bit) != 0 ||
			!take_member(member, key + 1))
			return strcpy(wrong, name);
		seen |= bit;
		if (strcmp(member->is, "object") == 0)
			inside = read_members(key + 1, name, members);
		else if (strcmp(member->is, "list") == 0) {
			EACH(value, key + 1)
				inside = inside == NULL ? read_members(value, name, members) : inside;
		}
	}
	for (const struct member *member = members;
		*of == '\0' && inside == NULL && member->name != NULL; member++)
		if (strcmp(member->is, "version") == 0 && (seen & (uint64_t)1 << (member - members)) == 0)
			inside = member->name;
	return inside;
}
