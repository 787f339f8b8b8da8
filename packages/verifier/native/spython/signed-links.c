/* Follows the path by which a file was opened, step by step as the kernel does, and compares each
 * link with the one that was signed. */
#include "../trust/trust.h"
#include "finding.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* the limit of the kernel, path_resolution(7) */

/* Holds the state of following a path to a file, step by step as the kernel does. */
struct walk {
	char reached[PATH_MAX]; /* an absolute path without links; "" for the root directory */
	char ahead[3 * PATH_MAX];
	const char *next; /* the part of `ahead` that is not followed yet */
	int links; /* the number of links that were followed */
	bool outside_may_lead; /* true if links and `..` outside of all products may be followed */
};

/* Starts a walk at the root directory. `ahead` receives the absolute form of `path`. Returns false
 * if the current directory is unknown or the absolute form is too long. */
static bool begin_walk(struct walk *walk, const char *path)
{
	size_t length = 0;
	if (*path != '/') {
		if (getcwd(walk->ahead, PATH_MAX) == NULL)
			return false;
		length = strlen(walk->ahead);
	}
	const int added = snprintf(walk->ahead + length, sizeof walk->ahead - length, "/%s", path);
	*walk->reached = '\0';
	walk->next = walk->ahead;
	walk->links = 0;
	return length + (size_t)added < PATH_MAX;
}

static bool go_up(struct walk *walk)
{
	if (find_entry(walk->reached).product == NULL && !walk->outside_may_lead)
		return false;
	char *last_slash = strrchr(walk->reached, '/');
	if (last_slash != NULL)
		*last_slash = '\0';
	return true;
}

/* Returns true if the link at this path may be followed to `target`. A link inside a product may be
 * followed only if exactly this target was signed. */
static bool may_follow(const struct walk *walk, const char *link, const char *target, size_t length)
{
	const struct entry entry = find_entry(link);
	if (entry.product == NULL)
		return walk->outside_may_lead;
	return entry.target_length == length && memcmp(entry.target, target, length) == 0;
}

/* Goes to the file or directory `name` in the directory that was reached. If `name` is a link, its
 * target is put in front of the rest of `ahead`, and the next steps follow the target. Returns
 * false if the walk cannot go on. */
static bool go_down(struct walk *walk, const char *name, size_t length)
{
	const size_t before = strlen(walk->reached);
	const size_t room = sizeof walk->reached - before;
	const int added = snprintf(walk->reached + before, room, "/%.*s", (int)length, name);
	if ((size_t)added >= room)
		return false;
	char target[PATH_MAX];
	const ssize_t count = readlink(walk->reached, target, sizeof target - 1);
	if (count < 0 && errno == EINVAL)
		return true; /* it is no link */
	if (count < 1 || walk->links == MAX_LINKS)
		return false;
	walk->links++;
	target[count] = '\0';
	if (!may_follow(walk, walk->reached, target, (size_t)count))
		return false;
	walk->reached[*target == '/' ? 0 : before] = '\0';
	char ahead[2 * PATH_MAX];
	const int whole = snprintf(ahead, sizeof ahead, "%s/%s", target, walk->next);
	if ((size_t)whole >= sizeof ahead)
		return false;
	strcpy(walk->ahead, ahead);
	walk->next = walk->ahead;
	return true;
}

/* Follows the next step of a walk that is not at its end. */
static bool take_step(struct walk *walk)
{
	const char *name = walk->next;
	const size_t length = strcspn(name, "/");
	walk->next += length;
	if (length == 1 && *name == '.')
		return true;
	if (length == 2 && strncmp(name, "..", 2) == 0)
		return go_up(walk);
	return go_down(walk, name, length);
}

bool leads_to(const char *path, const char *real, bool is_native)
{
	struct walk walk;
	if (strcmp(path, real) == 0)
		return true;
	if (!begin_walk(&walk, path))
		return false;
	walk.outside_may_lead = !is_native || rules.mode != MODE_STRICT;
	for (;;) {
		walk.next += strspn(walk.next, "/");
		if (*walk.next == '\0')
			break;
		if (!take_step(&walk))
			return false;
	}
	return strcmp(*walk.reached != '\0' ? walk.reached : "/", real) == 0;
}
