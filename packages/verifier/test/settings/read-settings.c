/* Reads a document with the same sources as spython and the launcher, and prints the result as one
 * line of JSON: either all values, including defaults, or the path of the refused member and the
 * reason.
 *
 *     read-settings policy|host|launcher|head < DOCUMENT */
#define _GNU_SOURCE
#include "key-lines.h"
#include "schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = (1 << 20) + 1 };
static char text[ROOM];

static void print_text(const char *string)
{
	putchar('"');
	for (const char *c = string; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
			printf("\\u%04x", (unsigned)(unsigned char)*c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void print_json(const struct json *value)
{
	static const char *const WORDS[] = {"null", "true", "false"};
	const char *comma = "";
	switch (value->kind) {
	case JSON_NUMBER:
		printf("%lu", (unsigned long)value->number);
		break;
	case JSON_STRING:
		print_text(value->text);
		break;
	case JSON_ARRAY:
		putchar('[');
		EACH(item, value) {
			printf("%s", comma);
			print_json(item);
			comma = ",";
		}
		putchar(']');
		break;
	case JSON_OBJECT:
		putchar('{');
		for (const struct json *key = value + 1; key < value->next; key = key[1].next) {
			printf("%s", comma);
			print_text(key->text);
			putchar(':');
			print_json(key + 1);
			comma = ",";
		}
		putchar('}');
		break;
	default:
		printf("%s", WORDS[value->kind]);
	}
}

/* Prints every value under the dotted name of its member. Leaves out an object that is not in a
 * list, because its members are printed. */
static void print_values(const struct member *members, const struct json *const *values)
{
	const char *comma = "";
	printf("{\"values\":{");
	for (size_t i = 0; members[i].name != NULL; i++) {
		const bool is_group = members[i].kind == IS_OBJECT && (members[i].flags & LIST) == 0;
		if (values[i] == NULL || is_group)
			continue;
		printf("%s\"%s\":", comma, members[i].name);
		print_json(values[i]);
		comma = ",";
	}
	printf("}}\n");
}

int main(int count, char **words)
{
	static const struct {
		const char *name;
		const struct member *members;
		size_t max_bytes;
	} DOCUMENTS[] = {{"policy", POLICY, MAX_POLICY_BYTES}, {"host", HOST, MAX_HOST_BYTES},
		{"launcher", LAUNCHER, MAX_LAUNCHER_BYTES}, {"head", HEAD, MAX_HOST_BYTES}};
	static struct json cells[KEY_LINES_ROOM];
	const struct json *values[HOST_MEMBERS + POLICY_MEMBERS];
	struct fault fault;
	const size_t size = fread(text, 1, ROOM, stdin);
	for (size_t i = 0; count == 2 && i < sizeof DOCUMENTS / sizeof *DOCUMENTS; i++) {
		const struct member *members = DOCUMENTS[i].members;
		if (strcmp(words[1], DOCUMENTS[i].name) != 0)
			continue;
		if (size > DOCUMENTS[i].max_bytes) {
			puts("{\"at\":\"\",\"why\":\"it is too large\"}");
			return 0;
		}
		text[size] = '\0';
		const struct json *document;
		if (members == LAUNCHER) {
			document = parse_key_lines(text, size, members, cells, &fault);
		} else {
			const size_t room = size / 2 + 2;
			document = parse_json(text, size, calloc(room, sizeof *document), room);
		}
		const bool is_text = members != LAUNCHER || document != NULL;
		if (is_text && read_members(document, members, values, &fault)) {
			print_values(members, values);
		} else {
			printf("{\"at\":");
			print_text(fault.at);
			printf(",\"why\":");
			print_text(fault.why);
			printf("}\n");
		}
		return 0;
	}
	return 2;
}
