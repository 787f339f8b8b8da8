/* Guarantees that a document is accepted only if its table allows each of its members and items. */
#include "members.h"
#include "value-forms.h"
#include "../text/words.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 64, MAX_MEMBERS = 64 };

struct reader {
	const struct member *members;
	const struct json **values; /* NULL while a list is read, because its items are not returned */
	struct fault *fault;
};

static bool read_value(
	struct reader reader, const struct member *member, const struct json *value, const char *at);

const struct member *find_member(const struct member *members, const char *name)
{
	while (members->name != NULL && strcmp(members->name, name) != 0)
		members++;
	return members->name == NULL ? NULL : members;
}

const char *text_of(const struct json *value)
{
	return value == NULL ? NULL : value->text;
}

bool refuse_member(struct fault *fault, const char *why, const char *at, ...)
{
	va_list values;
	va_start(values, at);
	vsnprintf(fault->at, sizeof fault->at, at, values);
	va_end(values);
	snprintf(fault->why, sizeof fault->why, "%s", why);
	return false;
}

/* Returns the name of the row within `object`: the part of the row's name after the name of
 * `object` and a dot. Returns NULL if the row is no direct member of `object`. The name of the
 * whole document is empty. */
static const char *name_within(const struct member *member, const char *object)
{
	const size_t length = strlen(object);
	const char *name = member->name;
	if (length > 0) {
		if (strncmp(name, object, length) != 0 || name[length] != '.')
			return NULL;
		name += length + 1;
	}
	return strchr(name, '.') == NULL ? name : NULL;
}

static const struct member *member_of(
	const struct member *members, const char *object, const char *given)
{
	for (; members->name != NULL; members++) {
		const char *name = name_within(members, object);
		if (name != NULL && strcmp(name, given) == 0)
			return members;
	}
	return NULL;
}

static bool read_given(struct reader reader, const struct json *object, const char *of,
	const char *at, bool seen[MAX_MEMBERS])
{
	static const char BAD_NAME[] = "must not have a name with U+0000 or half of a surrogate pair";
	char path[sizeof reader.fault->at];
	for (const struct json *key = object + 1; key < object->next; key = key[1].next) {
		if (key->kind != JSON_STRING)
			return refuse_member(reader.fault, BAD_NAME, "%s", at);
		const struct member *member = member_of(reader.members, of, key->text);
		if (member == NULL)
			return refuse_member(reader.fault, IS_UNKNOWN, "%s.%s", at, key->text);
		const size_t row = (size_t)(member - reader.members);
		if (seen[row])
			return refuse_member(reader.fault, IS_TWICE, "%s.%s", at, key->text);
		seen[row] = true;
		snprintf(path, sizeof path, "%s.%s", at, key->text);
		if (!read_value(reader, member, key + 1, path))
			return false;
	}
	return true;
}

static bool read_absent(
	struct reader reader, const char *of, const char *at, const bool seen[MAX_MEMBERS])
{
	char path[sizeof reader.fault->at];
	for (const struct member *member = reader.members; member->name != NULL; member++) {
		const char *name = name_within(member, of);
		if (name == NULL || seen[member - reader.members] || (member->flags & OPTIONAL) != 0)
			continue;
		if (member->otherwise == NULL)
			return refuse_member(reader.fault, member->must, "%s.%s", at, name);
		snprintf(path, sizeof path, "%s.%s", at, name);
		if (!read_value(reader, member, member->otherwise, path))
			return false;
	}
	return true;
}

/* Returns true if all members in `names` are present. Spaces separate the names. */
static bool has_all(
	struct reader reader, const char *of, const char *names, const bool seen[MAX_MEMBERS])
{
	for (const struct member *member = reader.members; member->name != NULL; member++) {
		const char *name = name_within(member, of);
		const bool is_needed = name != NULL && word_index(name, names) >= 0;
		if (is_needed && !seen[member - reader.members])
			return false;
	}
	return true;
}

/* Writes `names` with `between` in place of each space. Spaces separate the names. */
static void join_names(char *to, size_t room, const char *names, const char *between)
{
	for (size_t length = 0; *names != '\0' && length < room;) {
		const size_t next = strcspn(names, " ");
		const char *behind = names[next] == '\0' ? "" : between;
		length += (size_t)snprintf(to + length, room - length, "%.*s%s", (int)next, names, behind);
		names += next;
		names += *names == ' ' ? 1 : 0;
	}
}

static bool read_needs(
	struct reader reader, const char *of, const char *at, const bool seen[MAX_MEMBERS])
{
	char names[MAX_NAME];
	char why[sizeof reader.fault->why];
	for (const struct member *member = reader.members; member->name != NULL; member++) {
		const char *name = name_within(member, of);
		const bool is_there = name != NULL && seen[member - reader.members];
		if (!is_there || member->needs == NULL || has_all(reader, of, member->needs, seen))
			continue;
		join_names(names, sizeof names, member->needs, " and ");
		snprintf(why, sizeof why, "needs %s beside it", names);
		return refuse_member(reader.fault, why, "%s.%s", at, name);
	}
	return true;
}

static bool read_choice(
	struct reader reader, const char *of, const char *at, const bool seen[MAX_MEMBERS])
{
	char names[sizeof reader.fault->why / 2] = "";
	char why[sizeof reader.fault->why];
	unsigned kind = 0;
	int count = 0;
	for (const struct member *member = reader.members; member->name != NULL; member++) {
		const char *name = name_within(member, of);
		const unsigned choice = name == NULL ? 0 : member->flags & (ONE_OF | SOME_OF);
		if (choice == 0)
			continue;
		const size_t length = strlen(names);
		snprintf(names + length, sizeof names - length, "%s%s", length > 0 ? ", " : "", name);
		kind = choice;
		count += seen[member - reader.members];
	}
	if (kind == 0 || count == 1 || (count > 1 && kind == SOME_OF))
		return true;
	snprintf(why, sizeof why, "must have %s of %s", kind == ONE_OF ? "exactly one" : "at least one",
		names);
	return refuse_member(reader.fault, why, "%s", at);
}

static bool read_object(
	struct reader reader, const struct json *object, const char *of, const char *at)
{
	bool seen[MAX_MEMBERS] = {false};
	return read_given(reader, object, of, at, seen) && read_absent(reader, of, at, seen) &&
		read_needs(reader, of, at, seen) && read_choice(reader, of, at, seen);
}

/* Returns true if an earlier item of the list has the same text as `item`. If the items are
 * objects, `name` is the member whose texts are compared, where it is present. Otherwise `name` is
 * NULL. */
static bool is_before(const struct json *list, const struct json *item, const char *name)
{
	const struct json *text = name == NULL ? item : json_member(item, name);
	if (text == NULL)
		return false;
	for (const struct json *each = list + 1; each < item; each = each->next) {
		const struct json *other = name == NULL ? each : json_member(each, name);
		if (other != NULL && strcmp(other->text, text->text) == 0)
			return true;
	}
	return false;
}

static bool read_repeats(
	struct reader reader, const struct member *member, const struct json *list, const char *at)
{
	const struct member *key = NULL;
	char why[sizeof reader.fault->why] = "must not hold anything twice";
	for (const struct member *each = reader.members; each->name != NULL; each++) {
		if ((each->flags & (UNIQUE | LIST)) == UNIQUE && name_within(each, member->name) != NULL)
			key = each;
	}
	if (key == NULL && (member->flags & UNIQUE) == 0)
		return true;
	const char *name = key == NULL ? NULL : name_within(key, member->name);
	if (name != NULL)
		snprintf(why, sizeof why, "must not hold a %s twice", name);
	EACH(item, list) {
		if (is_before(list, item, name))
			return refuse_member(reader.fault, why, "%s", at);
	}
	return true;
}

static bool is_ascending(const struct json *list)
{
	const struct json *before = NULL;
	EACH(item, list) {
		if (before != NULL && strcmp(before->text, item->text) >= 0)
			return false;
		before = item;
	}
	return true;
}

/* Returns false, with a fault, if C cannot represent the value exactly. */
static bool is_exact(struct reader reader, const struct json *value, const char *at)
{
	if (value->kind == JSON_OTHER_NUMBER)
		return refuse_member(reader.fault,
			"must be a whole number in digits alone, at most 9007199254740991", "%s", at);
	if (value->kind == JSON_OTHER_STRING)
		return refuse_member(
			reader.fault, "must not hold U+0000 or half of a surrogate pair", "%s", at);
	return true;
}

static bool read_single(
	struct reader reader, const struct member *member, const struct json *value, const char *at)
{
	if (!is_exact(reader, value, at))
		return false;
	if (!fits(member, value))
		return refuse_member(reader.fault, member->must, "%s", at);
	return member->kind != IS_OBJECT || read_object(reader, value, member->name, at);
}

static bool read_list(
	struct reader reader, const struct member *member, const struct json *list, const char *at)
{
	char path[sizeof reader.fault->at];
	char why[sizeof reader.fault->why];
	size_t count = 0;
	struct reader inner = reader;
	inner.values = NULL;
	EACH(item, list) {
		snprintf(path, sizeof path, "%s[%zu]", at, count);
		if (!read_single(inner, member, item, path))
			return false;
		count++;
	}
	if (member->items > 0 && count > member->items) {
		snprintf(why, sizeof why, "must not hold more than %lu", (unsigned long)member->items);
		return refuse_member(reader.fault, why, "%s", at);
	}
	if ((member->flags & ASCENDING) != 0 && !is_ascending(list))
		return refuse_member(reader.fault, IS_DISORDER, "%s", at);
	return read_repeats(reader, member, list, at);
}

static bool read_value(
	struct reader reader, const struct member *member, const struct json *value, const char *at)
{
	if (reader.values != NULL)
		reader.values[member - reader.members] = value;
	if ((member->flags & LIST) == 0)
		return read_single(reader, member, value, at);
	if (value->kind == JSON_ARRAY)
		return read_list(reader, member, value, at);
	return is_exact(reader, value, at) && refuse_member(reader.fault, "must be a list", "%s", at);
}

bool read_members(const struct json *document, const struct member *members,
	const struct json **values, struct fault *fault)
{
	for (size_t i = 0; members[i].name != NULL; i++)
		values[i] = NULL;
	if (document == NULL)
		return refuse_member(fault, "it is not JSON in UTF-8", "%s", "");
	const struct reader reader = {members, values, fault};
	if (!is_exact(reader, document, "$"))
		return false;
	if (document->kind != JSON_OBJECT)
		return refuse_member(fault, "must be an object", "$");
	return read_object(reader, document, "", "$");
}
