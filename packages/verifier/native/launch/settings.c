/* Guarantees that launcher.conf, the file beside the launcher, has only the keys and values that
 * the table LAUNCHER allows, and that nobody but root, or in development the user, could have
 * written or replaced the file. Otherwise the start fails. */
#define _GNU_SOURCE
#include "settings.h"
#include "refusal.h"
#include "../shared/process/exit-status.h"
#include "../shared/settings/key-lines.h"
#include "../shared/settings/mode.h"
#include "../shared/files/owned-file.h"
#include "../shared/settings/schema.h"
#include "../shared/text/words.h"
#include <errno.h>
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
		fail(UNDECIDED, "Cannot start: /proc does not tell where open files are");
}

/* Returns the owners and directories to trust besides root's. Development accepts a directory with
 * the sticky bit, such as /tmp, because nobody else can replace the user's files there. */
static int whom_to_trust(int development)
{
	return development ? TRUST_USER | TRUST_STICKY : 0;
}

int open_trusted(const char *path, int development)
{
	const char *why;
	const int file = open_owned(path, whom_to_trust(development), &why);
	if (file < 0)
		fail(status_of(errno), "%s", why);
	return file;
}

/* Returns true if another launcher has taken the place of this one since it was started. */
static bool is_replaced(void)
{
	static const char MARK[] = " (deleted)";
	char program[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
	const ssize_t mark = sizeof MARK - 1;
	return length > mark && memcmp(program + length - mark, MARK, (size_t)mark) == 0;
}

/* Ends the process, because launcher.conf has something that this launcher does not know. While
 * another release is installed, the launcher is replaced first: then the next start understands
 * it. */
static _Noreturn void refuse_settings(const char *path, const struct fault *fault)
{
	if (is_replaced())
		fail(UNDECIDED, "Cannot use \"%s\": another release of the launcher is being installed",
			path);
	fail(USAGE,
		"Cannot use \"%s\": \"%s\" %s; if another release of the launcher wrote it, run `sigtool "
		"launcher install` of this one",
		path, fault->at, fault->why);
}

/* Reads launcher.conf into `text`, and its path into `path`. Returns its length in bytes. */
static size_t read_file(int allow_development, char path[PATH_MAX], char *text, size_t room)
{
	static const char NAME[] = "launcher.conf";
	const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof NAME);
	if (length <= 0)
		fail(UNDECIDED, "Cannot start: /proc does not tell where the launcher is");
	path[length] = '\0';
	strcpy(strrchr(path, '/') + 1, NAME);
	const char *why;
	const ssize_t size = read_owned(path, whom_to_trust(allow_development), text, room, &why);
	if (size < 0)
		fail(status_of(errno), "%s", why);
	if (size == 0)
		fail(UNDECIDED, "Cannot use \"%s\": it is empty", path);
	return (size_t)size;
}

static const char *path_of(const struct json *pinned_file)
{
	return text_of(json_member(pinned_file, "path"));
}

static const char *digest_of(const struct json *pinned_file)
{
	return text_of(json_member(pinned_file, "sha256"));
}

/* Adds directories after those that are in the list already. */
static void add_directories(const struct json *list, const char **directories, size_t *count)
{
	EACH(directory, list) {
		if (*count == MAX_DIRECTORIES)
			fail(USAGE, "More than %d directories", MAX_DIRECTORIES);
		directories[*count] = directory->text;
		*count += 1;
	}
}

/* Stores the ports of the lines in the list, and returns their number. */
static size_t take_ports(const struct json *list, uint16_t ports[MAX_PORTS])
{
	size_t count = 0;
	EACH(port, list) {
		if (count == MAX_PORTS)
			fail(USAGE, "More than %d ports", MAX_PORTS);
		ports[count] = (uint16_t)port->number;
		count++;
	}
	return count;
}

static void take_announced(const struct json *list, struct announced *announced)
{
	EACH(digest, list) {
		if (announced->count == MAX_ANNOUNCED)
			fail(USAGE, "More than %d announced digests", MAX_ANNOUNCED);
		announced->digests[announced->count] = digest->text;
		announced->count++;
	}
}

/* If launcher.conf has no line with ports or sockets of a kind, all of that kind are allowed,
 * unless a line `limit` names the kind. */
static void take_network(struct network *network, const struct json *const *values)
{
	network->connect_count = take_ports(values[LAUNCHER_CONNECT], network->connect);
	network->bind_count = take_ports(values[LAUNCHER_BIND], network->bind);
	add_directories(values[LAUNCHER_SOCKET], network->sockets, &network->socket_count);
	network->limits_connect = network->connect_count > 0;
	network->limits_bind = network->bind_count > 0;
	network->limits_sockets = network->socket_count > 0;
	EACH(word, values[LAUNCHER_LIMIT]) {
		if (strcmp(word->text, "connect") == 0)
			network->limits_connect = true;
		else if (strcmp(word->text, "bind") == 0)
			network->limits_bind = true;
		else
			network->limits_sockets = true;
	}
}

static void take_values(struct settings *settings, const struct json *const *values)
{
	static char major[8];
	const struct json *node_major = values[LAUNCHER_NODE_MAJOR];
	settings->program = path_of(values[LAUNCHER_NODE]);
	settings->digest = digest_of(values[LAUNCHER_NODE]);
	settings->identity = text_of(values[LAUNCHER_NODE_IDENTITY]);
	if (node_major != NULL) {
		snprintf(major, sizeof major, "%u", (unsigned)(node_major->number % 10000));
		settings->node_major = major;
	}
	settings->bundle = path_of(values[LAUNCHER_BUNDLE]);
	settings->bundle_digest = digest_of(values[LAUNCHER_BUNDLE]);
	settings->addon = path_of(values[LAUNCHER_ADDON]);
	settings->addon_digest = digest_of(values[LAUNCHER_ADDON]);
	settings->gate = path_of(values[LAUNCHER_GATE]);
	settings->gate_digest = digest_of(values[LAUNCHER_GATE]);
	settings->python = path_of(values[LAUNCHER_PYTHON]);
	settings->python_digest = digest_of(values[LAUNCHER_PYTHON]);
	take_announced(values[LAUNCHER_NODE_NEXT], &settings->node_next);
	take_announced(values[LAUNCHER_PYTHON_NEXT], &settings->python_next);
	settings->spython = path_of(values[LAUNCHER_SPYTHON]);
	settings->spython_digest = digest_of(values[LAUNCHER_SPYTHON]);
	settings->libpython = path_of(values[LAUNCHER_LIBPYTHON]);
	settings->libpython_digest = digest_of(values[LAUNCHER_LIBPYTHON]);
	settings->index = text_of(values[LAUNCHER_INDEX]);
	settings->config = text_of(values[LAUNCHER_CONFIG]);
	settings->audit = text_of(values[LAUNCHER_AUDIT]);
	settings->collects = settings->audit != NULL && values[LAUNCHER_COLLECTOR] != NULL;
	settings->string_code = text_of(values[LAUNCHER_STRING_CODE]);
	settings->addons = text_of(values[LAUNCHER_ADDONS]);
	settings->workers = text_of(values[LAUNCHER_WORKERS]);
	add_directories(values[LAUNCHER_TREE], settings->trees, &settings->tree_count);
	add_directories(values[LAUNCHER_WRITE], settings->writable, &settings->writable_count);
	take_network(&settings->network, values);
	add_directories(values[LAUNCHER_ENVIRONMENT], settings->variables, &settings->variable_count);
	settings->allows_writable_code = values[LAUNCHER_WRITABLE_CODE] != NULL;
	settings->mode = parse_mode(values[LAUNCHER_MODE]->text);
}

void read_settings(struct settings *settings, int allow_development)
{
	static char path[PATH_MAX];
	static char text[MAX_LAUNCHER_BYTES + 1];
	static struct json cells[KEY_LINES_ROOM];
	const struct json *values[LAUNCHER_MEMBERS];
	struct fault fault;
	const size_t size = read_file(allow_development, path, text, sizeof text);
	const struct json *document = parse_key_lines(text, size, LAUNCHER, cells, &fault);
	if (document == NULL || !read_members(document, LAUNCHER, values, &fault))
		refuse_settings(path, &fault);
	take_values(settings, values);
	const bool allows = strcmp(values[LAUNCHER_DEVELOPMENT]->text, "allow") == 0;
	settings->development = allow_development && allows;
	if (allow_development && !allows)
		fail(REFUSED, "Cannot allow development: \"%s\" does not", path);
}
