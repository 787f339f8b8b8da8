/* Guarantees that each symbolic link on the ways to script, index and signed trees is read once.
 * So if a link is switched to another release during the start, script, index and trees still
 * belong to one release: the one that the link named when it was read. */
#define _GNU_SOURCE
#include "links.h"
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINKS = 40, MAX_FOLLOWED = 256 };

/* A link that was read. */
struct followed {
	char path[PATH_MAX];
	char target[PATH_MAX];
	uid_t owner;
};
static struct followed all_followed[MAX_FOLLOWED];
static size_t followed_count;

/* Reads a link, whose directory is a real path. Returns NULL if there is no link at `path`. */
static const struct followed *read_link_once(const char *path)
{
	for (size_t i = 0; i < followed_count; i++) {
		if (strcmp(all_followed[i].path, path) == 0)
			return &all_followed[i];
	}
	const int link = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	if (link < 0) {
		require_answer(path);
		return NULL;
	}
	if (fstat(link, &status) != 0)
		fail(status_of(errno), "Cannot look at \"%s\": %m", path);
	if (!S_ISLNK(status.st_mode)) {
		close(link);
		return NULL;
	}
	if (followed_count == MAX_FOLLOWED)
		fail(REFUSED, "Cannot start: more than %d links lead to the files of this start",
			MAX_FOLLOWED);
	struct followed *followed = &all_followed[followed_count];
	const ssize_t length = readlinkat(link, "", followed->target, PATH_MAX - 1);
	if (length < 0)
		fail(status_of(errno), "Cannot read the link \"%s\": %m", path);
	close(link);
	followed->target[length] = '\0';
	followed->owner = status.st_uid;
	join(followed->path, path, "");
	followed_count++;
	return followed;
}

/* Puts the target of a link before the rest of a path that is still to be resolved. */
static void put_before(char pending[PATH_MAX], const char *first)
{
	char whole[PATH_MAX];
	const char *separator = *pending == '\0' ? "" : "/";
	const int written = snprintf(whole, sizeof whole, "%s%s%s", first, separator, pending);
	if (written >= PATH_MAX)
		fail(REFUSED, "Cannot start: the path \"%s\" is too long", pending);
	memcpy(pending, whole, (size_t)written + 1);
}

int resolve_once(const char *path, char real[PATH_MAX], take_step *take, void *context)
{
	char pending[PATH_MAX];
	int links = 0;
	join(pending, path, "");
	strcpy(real, "/");
	const bool has_start = *path == '/' || (getcwd(real, PATH_MAX) != NULL && *real == '/');
	if (!has_start)
		fail(status_of(errno), "Cannot start: the current directory is not there");
	while (*pending != '\0') {
		char component[PATH_MAX];
		const size_t length = strcspn(pending, "/");
		snprintf(component, sizeof component, "/%.*s", (int)length, pending);
		const size_t skipped = pending[length] == '/' ? length + 1 : length;
		memmove(pending, pending + skipped, strlen(pending + skipped) + 1);
		if (length == 0 || strcmp(component, "/.") == 0)
			continue;
		if (strcmp(component, "/..") == 0) {
			char *slash = strrchr(real, '/');
			slash[slash == real ? 1 : 0] = '\0';
			continue;
		}

		char next[PATH_MAX];
		join(next, strcmp(real, "/") == 0 ? "" : real, component);
		const struct followed *link = read_link_once(next);
		const struct step step = {next, pending, link != NULL, link == NULL ? 0 : link->owner};
		if (!take(&step, context)) {
			put_before(pending, next);
			join(real, pending, "");
			return links;
		}
		if (link == NULL) {
			join(real, next, "");
			continue;
		}
		links++;
		if (links > MAX_LINKS)
			fail(REFUSED, "Cannot start: \"%s\" leads over too many links", path);
		put_before(pending, link->target);
		if (*link->target == '/')
			strcpy(real, "/");
	}
	return links;
}

/* Refuses a link that others than root, or in development the user, have made: its owner could lead
 * to another release at any time. */
static bool require_trusted_link(const struct step *step, void *context)
{
	const struct settings *settings = context;
	const bool is_users = settings->development && step->owner == geteuid();
	if (!step->is_link || step->owner == 0 || is_users)
		return true;
	fail(REFUSED,
		"Cannot follow the link \"%s\" to a signed tree or index: root does not own it; "
		"make it anew as root",
		step->path);
}

void resolve_places(struct settings *settings)
{
	static char index[PATH_MAX];
	static char trees[MAX_DIRECTORIES][PATH_MAX];
	resolve_once(settings->index, index, require_trusted_link, settings);
	settings->real_index = index;
	for (size_t i = 0; i < settings->tree_count; i++) {
		const int links =
			resolve_once(settings->trees[i], trees[i], require_trusted_link, settings);
		settings->real_trees[i] = trees[i];
		if (links == 0)
			continue;
		const size_t room = sizeof settings->roots - settings->roots_length;
		const int length = snprintf(settings->roots + settings->roots_length, room, "%s%s\t%s",
			settings->roots_length == 0 ? "" : "\n", settings->trees[i], trees[i]);
		if ((size_t)length >= room || strchr(trees[i], '\n') != NULL)
			fail(REFUSED,
				"Cannot start: the paths of signed trees are too long, or hold line breaks");
		settings->roots_length += (size_t)length;
	}
}
