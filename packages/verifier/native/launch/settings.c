/* launcher.conf beside the launcher: `key value` lines, written by root and by nobody else. */
#define _GNU_SOURCE
#include "launch.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const MODES[] = {"off", "audit", "enforce", "strict"};

enum mode parse_mode(const char *name) {
	for (int mode = MODE_OFF; mode <= MODE_STRICT; mode++)
		if (strcmp(name, MODES[mode]) == 0) return (enum mode)mode;
	fail(USAGE, "\"%s\" is no mode: off, audit, enforce or strict", name);
}

void real_path(int descriptor, char path[PATH_MAX]) {
	char link[32];
	snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
	ssize_t length = readlink(link, path, PATH_MAX - 1);
	if (length <= 0 || length == PATH_MAX - 1) fail(REFUSED, "Cannot start: /proc does not tell where open files are");
	path[length] = 0;
}

/* In a sticky directory such as /tmp nobody can put another file in the place of mine: enough for development. */
static void require_owner(const char *path, const struct stat *entry, int development) {
	int owned = entry->st_uid == 0 || (development && entry->st_uid == geteuid());
	int sticky = development && S_ISDIR(entry->st_mode) && (entry->st_mode & S_ISVTX);
	if (!owned) fail(REFUSED, "Cannot trust \"%s\": it belongs to user %u; make root its owner", path, entry->st_uid);
	if ((entry->st_mode & 022) && !sticky) fail(REFUSED, "Cannot trust \"%s\": others may write it; use chmod go-w", path);
}

/* Opens a regular file that is reached without links and that, with every directory above it, only its owner can replace. */
int open_trusted(const char *path, int development) {
	char real[PATH_MAX];
	struct stat entry;
	int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, &entry) != 0) fail(REFUSED, "Cannot open \"%s\": %m", path);
	if (!S_ISREG(entry.st_mode)) fail(REFUSED, "Cannot trust \"%s\": it is no regular file", path);
	real_path(file, real);
	if (strcmp(real, path) != 0) fail(REFUSED, "Cannot trust \"%s\": it is reached by links, and is \"%s\"", path, real);
	require_owner(path, &entry, development);
	for (char *slash; (slash = strrchr(real, '/')) != NULL && real[1] != 0;) {
		slash[slash == real] = 0;
		if (lstat(real, &entry) != 0) fail(REFUSED, "Cannot look at \"%s\": %m", real);
		require_owner(real, &entry, development);
	}
	return file;
}

static void set(struct settings *s, const char *key, char *value) {
	const struct { const char *key, **place, **digest; } places[] = {
		{"node", &s->program, &s->digest}, {"node-major", &s->node_major, NULL}, {"node-identity", &s->identity, NULL},
		{"bundle", &s->bundle, &s->bundle_digest}, {"addon", &s->addon, &s->addon_digest}, {"python", &s->python, &s->python_digest},
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
	if (!settings->index || !settings->config || (settings->program ? !settings->node_major || !settings->bundle : !settings->python))
		fail(USAGE, "Cannot read \"%s\": it must name index, config, and node, node-major and bundle, or python", path);
	settings->mode = settings->mode_name == NULL ? MODE_ENFORCE : parse_mode(settings->mode_name);
	settings->development = allow_development && settings->development_name && strcmp(settings->development_name, "allow") == 0;
	if (allow_development && !settings->development) fail(REFUSED, "Cannot allow development: \"%s\" does not", path);
}
