/* Guarantees that a walk ends, and that it uses no recursion. If a tree has more levels or entries
 * than the bounds allow, the walk does not visit all of it, and returns false. Symbolic links are
 * not followed. Mounts are entered. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "../shared/process/exit-status.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIST_BYTES = 1 << 14 };

/* getdents64(2) returns entries in this form. */
struct listed {
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* Describes an open directory of the walk, and holds a part of its entries. */
static struct level {
	int descriptor;
	size_t path_length;
	ssize_t filled;
	ssize_t next;
	char list[LIST_BYTES] __attribute__((aligned(8)));
} levels[MAX_WALK_DEPTH];

/* Returns the next entry of the directory at `path`, or NULL. `failed` becomes true if the rest of
 * the directory cannot be read. */
static const struct listed *next_entry(struct level *level, const char *path, bool *failed)
{
	if (level->next >= level->filled) {
		level->filled = syscall(SYS_getdents64, level->descriptor, level->list, LIST_BYTES);
		level->next = 0;
		if (level->filled < 0) {
			require_answer(path);
			*failed = true;
		}
		if (level->filled <= 0)
			return NULL;
	}
	const struct listed *entry = (const struct listed *)(level->list + level->next);
	level->next += entry->bytes;
	return entry;
}

/* Opens a directory of the walk. Returns false if the walk is incomplete without this directory.
 *
 * Returns true with the descriptor -1 if the directory is skipped. A directory is skipped if
 * another process removed it. It is also skipped if neither this process nor its program can reach
 * the files in it: the directory belongs to another user, who does not let them search it, such as
 * lost+found of ext4. */
static bool enter(struct level *level, int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	level->filled = 0;
	level->next = 0;
	level->descriptor = openat(parent, name, flags);
	if (level->descriptor >= 0)
		return true;
	struct stat status;
	if (errno == ENOENT || errno == ENOTDIR)
		return true; /* Another process removed the directory, or replaced it by a file. */
	require_answer(name);
	if (errno != EACCES)
		return false;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		require_answer(name);
		return false;
	}
	if (status.st_uid == geteuid() || faccessat(parent, name, X_OK, AT_EACCESS) == 0)
		return false;
	require_answer(name);
	return true;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Returns true if the walk looks only for files with one name, and this entry is a regular file
 * with another name. Some file systems do not return the type with the name. In this case the
 * function returns false, so the file is visited. */
static bool is_passed_over(const struct listed *entry, const struct walk_bounds *bounds)
{
	return bounds->file_name != NULL && entry->type == DT_REG &&
		strcmp(entry->name, bounds->file_name) != 0;
}

bool walk(const char *root, const struct walk_bounds *bounds, visit *visit, void *context)
{
	char path[PATH_MAX];
	bool is_complete = true;
	size_t entries = 0;
	int depth = 0;
	join(path, root, "");
	levels[0].path_length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (!enter(&levels[0], AT_FDCWD, root))
		return false;
	while (depth >= 0) {
		struct level *level = &levels[depth];
		const struct listed *entry = NULL;
		bool failed = false;
		path[level->path_length] = '\0';
		if (level->descriptor >= 0 && entries < bounds->entries)
			entry = next_entry(level, path, &failed);
		if (entry == NULL) {
			is_complete = is_complete && !failed && entries < bounds->entries;
			close(level->descriptor);
			depth--;
			continue;
		}
		if (is_dots(entry->name))
			continue;
		entries++;
		if (is_passed_over(entry, bounds))
			continue;

		const size_t room = sizeof path - level->path_length;
		const int length = snprintf(path + level->path_length, room, "/%s", entry->name);
		struct stat status;
		if ((size_t)length >= room) {
			is_complete = false;
			continue;
		}
		if (fstatat(level->descriptor, entry->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
			require_answer(path);
			is_complete = is_complete && errno == ENOENT; /* Another process removed it. */
			continue;
		}
		if (!visit(path, &status, context) || !S_ISDIR(status.st_mode))
			continue;
		if (depth + 1 == bounds->depth) {
			is_complete = false;
			continue;
		}
		levels[depth + 1].path_length = level->path_length + (size_t)length;
		if (!enter(&levels[depth + 1], level->descriptor, entry->name))
			is_complete = false;
		else
			depth++;
	}
	return is_complete;
}
