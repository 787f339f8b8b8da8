/* launcher.conf beside the launcher: `key value` lines, written by root and by nobody else. */
#define _GNU_SOURCE
#include "launch.h"
#include "../members.h"
#include "../owned-file.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum mode parse_mode(const char *name)
{
	const int mode = word_index(name, MODES);
	if (mode < 0)
		fail(USAGE, "\"%s\" is no mode: off, audit, enforce or strict", name);
	return (enum mode)mode;
}

void real_path(int descriptor, char path[PATH_MAX])
{
	if (!real_path_of(descriptor, path))
		fail(REFUSED, "Cannot start: /proc does not tell where open files are");
}

/* In a sticky directory such as /tmp nobody can put another file in the place of mine: enough for
 * development. */
static int whom_to_trust(int development)
{
	return development ? TRUST_USER | TRUST_STICKY : 0;
}

int open_trusted(const char *path, int development)
{
	const char *why;
	const int file = open_owned(path, whom_to_trust(development), &why);
	if (file < 0)
		fail(REFUSED, "%s", why);
	return file;
}

static void take(const struct member *members, const char *key, const char *value)
{
	const struct member *member = find_member(members, key);
	if (member == NULL)
		fail(USAGE, "launcher.conf says \"%s\", which means nothing here", key);
	if (*(const char **)member->place != NULL)
		fail(USAGE, "launcher.conf says \"%s\" twice", key);
	if (!take_member(member, &(struct json){.kind = JSON_STRING, .text = value}))
		fail(USAGE, "launcher.conf says \"%s %s\", which is no %s", key, value, member->is);
}

static void set(struct settings *s, const char *key, char *value)
{
	const struct member members[] = {{"node", "path", &s->program},
		{"node SHA256", "digest", &s->digest}, {"node-major", "text", &s->node_major},
		{"node-identity", "text", &s->identity}, {"bundle", "path", &s->bundle},
		{"bundle SHA256", "digest", &s->bundle_digest}, {"addon", "path", &s->addon},
		{"addon SHA256", "digest", &s->addon_digest}, {"python", "path", &s->python},
		{"python SHA256", "digest", &s->python_digest}, {"spython", "path", &s->spython},
		{"spython SHA256", "digest", &s->spython_digest}, {"index", "path", &s->index},
		{"config", "path", &s->config}, {"audit", "path", &s->audit},
		{"mode", "text", &s->mode_name}, {"development", "text", &s->development_name},
		{"string-code", "text", &s->string_code}, {"addons", "text", &s->addons},
		{"workers", "text", &s->workers}, {"tree", "path", &s->trees[s->tree_count]},
		{"write", "path", &s->writable[s->writable_count]}, {0}};
	char of_digest[32];
	snprintf(of_digest, sizeof of_digest, "%s SHA256", key);
	if (find_member(members, of_digest) != NULL) {
		char *space = strrchr(value, ' ');
		if (space == NULL)
			fail(USAGE, "launcher.conf needs \"%s PATH SHA256\"", key);
		*space = 0;
		take(members, of_digest, space + 1);
	}
	take(members, key, value);
	s->tree_count += s->trees[s->tree_count] != NULL;
	s->writable_count += s->writable[s->writable_count] != NULL;
	if (s->tree_count > MAX_DIRECTORIES || s->writable_count > MAX_DIRECTORIES)
		fail(USAGE, "More than %d directories", MAX_DIRECTORIES);
}

void read_settings(struct settings *settings, int allow_development)
{
	static char path[PATH_MAX], text[1 << 16];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "launcher.conf");
	if (length <= 0)
		fail(REFUSED, "Cannot start: /proc does not tell where the launcher is");
	strcpy(strrchr(path, '/') + 1, "launcher.conf");
	const char *why;
	length = read_owned(path, whom_to_trust(allow_development), text, sizeof text, &why);
	if (length < 0)
		fail(REFUSED, "%s", why);
	if (length == 0 || strlen(text) != (size_t)length || text[length - 1] != '\n')
		fail(USAGE, "Cannot read \"%s\": it must be lines of text", path);
	if (strncmp(text, "version 1\n", 10) != 0)
		fail(USAGE, "Cannot read \"%s\": its first line must be \"version 1\"", path);
	for (char *line = text + 10, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		char *value = strchr(line, ' ');
		if (value == NULL || value[1] == 0)
			fail(USAGE, "launcher.conf has the line \"%s\", which is not \"key value\"", line);
		*value++ = 0;
		set(settings, line, value);
	}
	if (!settings->index || !settings->config ||
		(settings->program ? !settings->node_major || !settings->bundle : !settings->python) ||
		!settings->python != !settings->spython)
		fail(USAGE,
			"Cannot read \"%s\": it must name index, config, and node, node-major and bundle, or "
			"python and spython",
			path);
	settings->mode = settings->mode_name == NULL ? MODE_ENFORCE : parse_mode(settings->mode_name);
	settings->development = allow_development && settings->development_name &&
		strcmp(settings->development_name, "allow") == 0;
	if (allow_development && !settings->development)
		fail(REFUSED, "Cannot allow development: \"%s\" does not", path);
}
