/* launcher.conf beside the launcher: `key value` lines, written by root and by nobody else. */
#define _GNU_SOURCE
#include "launch.h"
#include "../owned-file.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const MODES[] = {"off", "audit", "enforce", "strict"};

enum mode parse_mode(const char *name) {
	for (int mode = MODE_OFF; mode <= MODE_STRICT; mode++)
		if (strcmp(name, MODES[mode]) == 0) return (enum mode)mode;
	fail(USAGE, "\"%s\" is no mode: off, audit, enforce or strict", name);
}

void real_path(int descriptor, char path[PATH_MAX]) {
	if (!real_path_of(descriptor, path)) fail(REFUSED, "Cannot start: /proc does not tell where open files are");
}

/* In a sticky directory such as /tmp nobody can put another file in the place of mine: enough for development. */
int open_trusted(const char *path, int development) {
	const char *why;
	const int file = open_owned(path, development ? TRUST_USER | TRUST_STICKY : 0, &why);
	if (file < 0) fail(REFUSED, "%s", why);
	return file;
}

static void set(struct settings *s, const char *key, char *value) {
	const struct { const char *key, **place, **digest; } places[] = {
		{"node", &s->program, &s->digest}, {"node-major", &s->node_major, NULL}, {"node-identity", &s->identity, NULL},
		{"bundle", &s->bundle, &s->bundle_digest}, {"addon", &s->addon, &s->addon_digest}, {"python", &s->python, &s->python_digest},
		{"spython", &s->spython, &s->spython_digest},
		{"index", &s->index, NULL}, {"config", &s->config, NULL}, {"audit", &s->audit, NULL}, {"mode", &s->mode_name, NULL},
		{"development", &s->development_name, NULL}, {"string-code", &s->string_code, NULL}, {"addons", &s->addons, NULL},
		{"workers", &s->workers, NULL}, {"tree", &s->trees[s->tree_count], NULL}, {"write", &s->writable[s->writable_count], NULL}};
	size_t i = 0;
	while (i < sizeof places / sizeof *places && strcmp(key, places[i].key) != 0) i++;
	if (i == sizeof places / sizeof *places) fail(USAGE, "launcher.conf says \"%s\", which means nothing here", key);
	if (*places[i].place != NULL) fail(USAGE, "launcher.conf says \"%s\" twice", key);
	*places[i].place = value;
	s->tree_count += places[i].place == &s->trees[s->tree_count];
	s->writable_count += places[i].place == &s->writable[s->writable_count];
	if (s->tree_count > MAX_DIRECTORIES || s->writable_count > MAX_DIRECTORIES) fail(USAGE, "More than %d directories", MAX_DIRECTORIES);
	if (places[i].digest == NULL) return;
	char *space = strrchr(value, ' ');
	if (space == NULL || strspn(space + 1, "0123456789abcdef") != SHA256_HEX || space[1 + SHA256_HEX] != 0)
		fail(USAGE, "launcher.conf needs \"%s PATH SHA256\"", key);
	*space = 0;
	*places[i].digest = space + 1;
}

void read_settings(struct settings *settings, int allow_development) {
	static char path[PATH_MAX], text[1 << 16];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "launcher.conf");
	if (length <= 0) fail(REFUSED, "Cannot start: /proc does not tell where the launcher is");
	strcpy(strrchr(path, '/') + 1, "launcher.conf");
	int file = open_trusted(path, allow_development);
	length = read(file, text, sizeof text - 1);
	if (length <= 0 || (size_t)length == sizeof text - 1 || strlen(text) != (size_t)length || text[length - 1] != '\n')
		fail(USAGE, "Cannot read \"%s\": it must be lines of text, less than 64 KiB", path);
	if (strncmp(text, "version 1\n", 10) != 0) fail(USAGE, "Cannot read \"%s\": its first line must be \"version 1\"", path);
	for (char *line = text + 10, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		char *value = strchr(line, ' ');
		if (value == NULL || value[1] == 0) fail(USAGE, "launcher.conf has the line \"%s\", which is not \"key value\"", line);
		*value++ = 0;
		set(settings, line, value);
	}
	if (!settings->index || !settings->config || (settings->program ? !settings->node_major || !settings->bundle : !settings->python) || !settings->python != !settings->spython)
		fail(USAGE, "Cannot read \"%s\": it must name index, config, and node, node-major and bundle, or python and spython", path);
	settings->mode = settings->mode_name == NULL ? MODE_ENFORCE : parse_mode(settings->mode_name);
	settings->development = allow_development && settings->development_name && strcmp(settings->development_name, "allow") == 0;
	if (allow_development && !settings->development) fail(REFUSED, "Cannot allow development: \"%s\" does not", path);
}
