/* Guarantees that a granted directory neither contains a protected file or directory nor is another
 * path to it: links on the path, mounts and mounts below mounts are followed. This file assumes
 * that no link and no mount on these paths changes during the start. */
#define _GNU_SOURCE
#include "links.h"
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Ends the process if a granted directory contains this step on the way to a protected file: the
 * process could then replace the file, or a link by which it is found. */
static bool require_outside(const struct step *step, void *context)
{
	const struct guard *guard = context;
	for (size_t i = 0; i < guard->count; i++) {
		const char *directory = guard->all[i].real;
		if (below(step->path, directory) != NULL)
			fail(REFUSED,
				"Cannot make \"%s\" writable: \"%s%s%s\" lies in it; grant a directory without it",
				directory, step->path, *step->rest == '\0' ? "" : "/", step->rest);
	}
	return true;
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
		require_answer(directory);
		char *slash = strrchr(directory, '/');
		slash[slash == directory ? 1 : 0] = '\0';
		file = open(directory, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (file < 0)
		fail(status_of(errno), "Cannot look at \"%s\": %m", directory);
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
	resolve_once(path, real, require_outside, context);
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
