/* Guarantees that each line of the log is one object of JSON, and that only the collector adds the
 * members by which the log is checked, whatever a program sends. */
#define _GNU_SOURCE
#define _GNU_SOURCE
#include "../shared/text/json.h"
#include "collector.h"
#include <string.h>

/* A line with more values, or a longer one, is written as text. */
enum { MAX_VALUES = 1 << 13 };

static const char *const OWN_MEMBERS[] = {"seq", "from", "chain"};

static bool has(const char *text, size_t length, char byte)
{
	return memchr(text, byte, length) != NULL;
}

/* JSON has no other control characters than these three, and memchr() is faster than a look at each
 * byte. A member `chain` of an inner object, too, makes the line text: a full disk could cut the
 * line behind it, which would then seem to have a digest. */
bool is_event_line(const char *text, size_t length)
{
	/* parse_json() overwrites the text. */
	static char copy[MAX_MESSAGE_BYTES + 1];
	static struct json values[MAX_VALUES];
	if (length < 2 || length > MAX_MESSAGE_BYTES || text[0] != '{' || text[length - 1] != '}' ||
		has(text, length, '\n') || has(text, length, '\r') || has(text, length, '\t') ||
		memmem(text, length, CHAIN_MEMBER, sizeof CHAIN_MEMBER - 1) != NULL)
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	const struct json *object = parse_json(copy, length, values, MAX_VALUES);
	if (object == NULL || object->next == object + 1)
		return false;
	for (size_t i = 0; i < sizeof OWN_MEMBERS / sizeof *OWN_MEMBERS; i++) {
		if (json_member(object, OWN_MEMBERS[i]) != NULL)
			return false;
	}
	return true;
}

void readable_text(const char *text, size_t length, char *to, size_t room)
{
	static const char NUL_SYMBOL[] = "\xe2\x90\x80";
	size_t used = 0;
	for (size_t i = 0; i < length && used + sizeof NUL_SYMBOL < room; i++) {
		if (text[i] != '\0') {
			to[used++] = text[i];
			continue;
		}
		memcpy(to + used, NUL_SYMBOL, sizeof NUL_SYMBOL - 1);
		used += sizeof NUL_SYMBOL - 1;
	}
	to[used] = '\0';
}
