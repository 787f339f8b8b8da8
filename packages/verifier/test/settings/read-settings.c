/* Reads documents with the same sources as spython and the launcher, and prints one line of JSON
 * for each: either all values, including defaults, or the path of the refused member and the
 * reason.
 *
 * On standard input each document follows a line with its kind, which is policy, host, launcher or
 * head, and its size in bytes. */
#define _GNU_SOURCE
#include "shared/settings/key-lines.h"
#include "shared/settings/schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEAD_BYTES = 1 << 21, ROOM = MAX_HEAD_BYTES + 1 };
static char text[ROOM + 1];

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

struct kind {
	const char *name;
	const struct member *members;
	size_t max_bytes;
};

/* Reads the document in `text`, which has `size` bytes, and prints the result. */
static void print_result(const struct kind *kind, size_t size)
{
	static struct json cells[KEY_LINES_ROOM];
	const struct json *values[HOST_MEMBERS + POLICY_MEMBERS];
	const struct member *members = kind->members;
	const struct json *document;
	struct fault fault;
	if (size > kind->max_bytes) {
		puts("{\"at\":\"\",\"why\":\"it is too large\"}");
		return;
	}
	text[size] = '\0';
	struct json *tree = NULL;
	if (members == LAUNCHER) {
		document = parse_key_lines(text, size, members, cells, &fault);
	} else {
		const size_t room = size / 2 + 2;
		tree = calloc(room, sizeof *tree);
		document = parse_json(text, size, tree, room);
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
	free(tree);
}

int main(void)
{
	static const struct kind KINDS[] = {{"policy", POLICY, MAX_POLICY_BYTES},
		{"host", HOST, MAX_HOST_BYTES}, {"launcher", LAUNCHER, MAX_LAUNCHER_BYTES},
		{"head", HEAD, MAX_HEAD_BYTES}};
	char name[16];
	size_t size;
	while (scanf("%15s %zu", name, &size) == 2 && getchar() == '\n' && size <= ROOM) {
		if (fread(text, 1, size, stdin) != size)
			return 2;
		size_t i = 0;
		while (i < sizeof KINDS / sizeof *KINDS && strcmp(name, KINDS[i].name) != 0)
			i++;
		if (i == sizeof KINDS / sizeof *KINDS)
			return 2;
		print_result(&KINDS[i], size);
	}
	return feof(stdin) ? 0 : 2;
}
