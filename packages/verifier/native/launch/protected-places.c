/* Guarantees that a granted directory neither contains a protected file or directory nor is another
 * path to it: links on the path, mounts and mounts below mounts are followed. This file assumes
 * that no link and no mount on these paths changes during the start. */
#define _GNU_SOURCE
#include "places.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

/* Ends the process if a granted directory contains `path`, which is a protected file or is on the
 * way to one. `rest` has the components of the protected file's path that follow `path`, and may be
 * empty. Only the message shows it. */
static void require_outside(const char *path, const char *rest, const struct guard *guard)
{
	for (size_t i = 0; i < guard->count; i++) {
		const char *directory = guard->all[i].real;
		if (below(path, directory) != NULL)
			fail(REFUSED,
				"Cannot make \"%s\" writable: \"%s%s%s\" lies in it; grant a directory without it",
				directory, path, *rest == '\0' ? "" : "/", rest);
	}
}

/* Puts the target of a link before the rest of a path that is still to be resolved. */
static void put_before(char pending[PATH_MAX], const char *first, size_t length)
{
	char whole[PATH_MAX];
	const char *separator = *pending == '\0' ? "" : "/";
	const int written =
		snprintf(whole, sizeof whole, "%.*s%s%s", (int)length, first, separator, pending);
	if (written >= PATH_MAX)
		fail(REFUSED, "Cannot make directories writable: the path \"%s\" is too long", pending);
	memcpy(pending, whole, (size_t)written + 1);
}

/* Finds the real path of a file that may not exist yet. Ends the process if a granted directory
 * contains the file, or anything on the way to it: the process could then replace a link by which
 * the file is found. */
static void resolve(const char *path, char real[PATH_MAX], const struct guard *guard)
{
	char pending[PATH_MAX];
	int links = 0;
	join(pending, path, "");
	strcpy(real, "/");
	if (*path != '/' && getcwd(real, PATH_MAX) == NULL)
		fail(status_of(errno),
			"Cannot make directories writable: the current directory is not there");
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
		char target[PATH_MAX];
		join(next, strcmp(real, "/") == 0 ? "" : real, component);
		require_outside(next, pending, guard);
		const ssize_t target_length = readlink(next, target, sizeof target);
		if (target_length < 0) {
			join(real, next, "");
			continue;
		}
		links++;
		if (links > MAX_LINKS)
			fail(REFUSED, "Cannot make directories writable: \"%s\" leads over too many links",
				path);
		put_before(pending, target, (size_t)target_length);
		if (*target == '/')
			strcpy(real, "/");
	}
}

/* Finds the place of a real path in its file system. If the file does not exist, the deepest
 * existing directory on the path is located, and the missing components are added to its place. */
static void locate_path(
	const char *real, struct location *location, const struct settings *settings)
{
	char directory[PATH_MAX];
	join(directory, real, "");
	int file = open(directory, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	while (file < 0 && strcmp(directory, "/") != 0) {
		char *slash = strrchr(directory, '/');
		slash[slash == directory ? 1 : 0] = '\0';
		file = open(directory, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	locate(file, directory, location, settings);
	close(file);
	char above[PATH_MAX];
	join(above, location->path, "");
	join(location->path, above, below(real, directory));
}

/* Returns true if `path`, which is at `location`, is another path to the place at `real`, to a part
 * of it or to what contains it. A directory in a signed tree may be granted, but only by the path
 * that it has in the tree: a file that has another path there could be loaded as code. */
static bool is_other_path(const char *path, const struct location *location, const char *real,
	const struct location *place, enum place_kind kind)
{
	if (!overlap(location, place))
		return false;
	const char *rest = below(path, real);
	const char *rest_in_file_system = below(location->path, place->path);
	const bool is_same_path =
		rest != NULL && rest_in_file_system != NULL && strcmp(rest, rest_in_file_system) == 0;
	return !is_same_path || kind != MAY_CONTAIN_GRANTED;
}

/* Returns true if the mounted file or directory was removed. Its path in the file system is then
 * unknown, although the file can still have other names. */
static bool is_removed(const struct mount *mount)
{
	static const char MARK[] = "//deleted";
	const size_t length = strlen(mount->root);
	return length >= sizeof MARK - 1 && strcmp(mount->root + length - (sizeof MARK - 1), MARK) == 0;
}

void require_known_mounts(const struct granted *granted)
{
	const struct mount *mount = granted->location.mount;
	const bool is_known = mount == NULL || !is_removed(mount);
	if (!is_known)
		fail(REFUSED, "Cannot make \"%s\" writable: its mount is of a directory that was removed",
			granted->real);
	mount = next_mount_beneath(NULL, granted->real);
	for (; mount != NULL; mount = next_mount_beneath(mount, granted->real)) {
		if (is_removed(mount))
			fail(REFUSED,
				"Cannot make \"%s\" writable: what is mounted at \"%s\" was removed, and may have "
				"another path; unmount it",
				granted->real, mount->point);
	}
}

/* Ends the process if the granted directory, or something mounted below it, is another path to the
 * place. */
static void require_apart(const char *real, const struct location *place,
	const struct granted *granted, enum place_kind kind)
{
	if (is_other_path(granted->real, &granted->location, real, place, kind))
		fail(REFUSED,
			"Cannot make \"%s\" writable: a mount makes it another path to \"%s\"; grant another "
			"directory",
			granted->real, real);
	const struct mount *mount = next_mount_beneath(NULL, granted->real);
	for (; mount != NULL; mount = next_mount_beneath(mount, granted->real)) {
		struct location location;
		locate_root(mount, &location);
		if (is_other_path(mount->point, &location, real, place, kind))
			fail(REFUSED,
				"Cannot make \"%s\" writable: the mount at \"%s\" is another path to \"%s\"; "
				"unmount it or grant another directory",
				granted->real, mount->point, real);
	}
}

/* Ends the process if the granted directory is another path to something that is mounted below a
 * place. A mount below the granted directory itself belongs to that directory, and not to the
 * signed tree around it, so it is not compared. */
static void require_mounts_apart(
	const char *real, const struct granted *granted, enum place_kind kind)
{
	const struct mount *mount = next_mount_beneath(NULL, real);
	for (; mount != NULL; mount = next_mount_beneath(mount, real)) {
		struct location location;
		locate_root(mount, &location);
		if (below(mount->point, granted->real) == NULL)
			require_apart(mount->point, &location, granted, kind);
	}
}

void protect(const char *path, void *context)
{
	const struct guard *guard = context;
	char real[PATH_MAX];
	struct location place;
	resolve(path, real, guard);
	/* Every directory is below the root. So if a search path named the root, no directory could be
	 * granted. */
	if (guard->kind == HOLDS_LIBRARIES && strcmp(real, "/") == 0)
		return;
	locate_path(real, &place, guard->settings);
	for (size_t i = 0; i < guard->count; i++) {
		const struct granted *granted = &guard->all[i];
		const bool is_inside = below(granted->real, real) != NULL;
		if (guard->kind == HOLDS_LIBRARIES && is_inside)
			fail(REFUSED,
				"Cannot make \"%s\" writable: it lies in \"%s\", where the loader finds libraries; "
				"grant a directory elsewhere",
				granted->real, real);
		require_apart(real, &place, granted, guard->kind);
		require_mounts_apart(real, granted, guard->kind);
	}
}
