/* Guarantees that no granted directory contains a hard link of a signed file, or of a file that
 * decides what runs, as far as the walks of walk.c reach. Writing by such a second name would
 * change the file, and neither path nor mount shows that both names are one file.
 *
 * Only names that exist at the start matter: Landlock lets the process make a hard link only of a
 * file that it may change already. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <string.h>
#include <sys/stat.h>

enum {
	/* The table is at most three quarters full, so that probing stays short. */
	TABLE_SIZE = 1 << 17,
	MAX_LINKED = TABLE_SIZE / 4 * 3,
};

/* A signed tree, or a granted directory, is walked within these bounds. */
static const struct walk_bounds BOUNDS = {.depth = MAX_WALK_DEPTH, .entries = 200000};

/* The files with several names, in an open-addressing hash table. The inode 0 marks a free place,
 * because no file system uses it. */
static struct file {
	dev_t device;
	ino_t inode;
} linked[TABLE_SIZE];

struct search {
	const struct granted *granted;
	size_t granted_count;
	const char *const *files;
	size_t file_count;
	const struct settings *settings;
	size_t linked_count;
	bool is_complete;
	/* These are used to name a file in the message: the file of which a hard link was found, and
	 * the path that the walk finds for it. */
	const struct stat *wanted;
	char path[PATH_MAX];
};

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Returns the place of the file in the table, or the free place for it. */
static struct file *find_file(const struct stat *status)
{
	uint64_t at = (status->st_ino ^ status->st_dev << 32) * 0x9e3779b97f4a7c15U >> 47;
	struct file *file = &linked[at];
	while (file->inode != 0 && (file->inode != status->st_ino || file->device != status->st_dev)) {
		at = (at + 1) % TABLE_SIZE;
		file = &linked[at];
	}
	return file;
}

/* Looks at a file. Returns false if it is not there, or this user may not reach it. */
static bool look_at(const char *path, struct stat *status)
{
	if (stat(path, status) == 0)
		return true;
	require_answer(path);
	return false;
}

static void note_file(const struct stat *status, struct search *search)
{
	if (!S_ISREG(status->st_mode) || status->st_nlink < 2)
		return;
	struct file *file = find_file(status);
	if (file->inode != 0)
		return;
	if (search->linked_count == MAX_LINKED) {
		search->is_complete = false;
		return;
	}
	*file = (struct file){status->st_dev, status->st_ino};
	search->linked_count++;
}

/* Returns true for a granted directory. Files below it are never loaded as code, so a signed tree
 * is walked without it. */
static bool is_granted(const struct stat *status, const struct search *search)
{
	for (size_t i = 0; i < search->granted_count; i++) {
		if (is_same(status, &search->granted[i].status))
			return true;
	}
	return false;
}

static bool note_entry(const char *path, const struct stat *status, void *context)
{
	struct search *search = context;
	(void)path;
	note_file(status, search);
	return !is_granted(status, search);
}

static bool name_entry(const char *path, const struct stat *status, void *context)
{
	struct search *search = context;
	if (is_same(status, search->wanted))
		join(search->path, path, "");
	return !is_granted(status, search);
}

/* Finds the first name of a file, for the message that reports its second name in a granted
 * directory. The walk that found the second name cannot go on afterwards, because walks share their
 * memory. */
static void name_file(const struct stat *wanted, struct search *search)
{
	struct stat status;
	search->wanted = wanted;
	for (size_t i = 0; i < search->file_count; i++) {
		const char *path = search->files[i];
		if (path != NULL && look_at(path, &status) && is_same(&status, wanted))
			join(search->path, path, "");
	}
	for (size_t i = 0; i < search->settings->tree_count && *search->path == '\0'; i++) {
		walk(search->settings->real_trees[i], &BOUNDS, name_entry, search);
	}
}

static bool compare_entry(const char *path, const struct stat *status, void *context)
{
	struct search *search = context;
	if (!S_ISREG(status->st_mode) || status->st_nlink < 2)
		return true;
	if (find_file(status)->inode == 0)
		return true;
	name_file(status, search);
	fail(REFUSED, "Cannot make \"%s\" writable: it is a hard link of \"%s\"; replace it by a copy",
		path, search->path);
}

/* Returns true if a file of the tree can have a hard link in a granted directory. That needs one
 * file system. So both must be on one device, or one of them has other file systems mounted below
 * it. */
static bool may_share(const char *tree, const struct stat *status, const struct search *search)
{
	if (next_mount_beneath(NULL, tree) != NULL)
		return true;
	for (size_t i = 0; i < search->granted_count; i++) {
		const struct granted *granted = &search->granted[i];
		if (granted->status.st_dev == status->st_dev ||
			next_mount_beneath(NULL, granted->real) != NULL)
			return true;
	}
	return false;
}

/* Notes which of these files have several names: the files that decide what runs, and those of the
 * signed trees. */
static void note_files(struct search *search)
{
	struct stat status;
	for (size_t i = 0; i < search->file_count; i++) {
		if (search->files[i] != NULL && look_at(search->files[i], &status))
			note_file(&status, search);
	}
	for (size_t i = 0; i < search->settings->tree_count; i++) {
		const char *tree = search->settings->real_trees[i];
		if (!look_at(tree, &status) || is_granted(&status, search) ||
			!may_share(tree, &status, search))
			continue;
		if (!walk(tree, &BOUNDS, note_entry, search))
			search->is_complete = false;
	}
}

void require_no_hard_links(const struct granted *granted, size_t count, const char *const *files,
	size_t file_count, const struct settings *settings)
{
	static struct search search;
	search.granted = granted;
	search.granted_count = count;
	search.files = files;
	search.file_count = file_count;
	search.settings = settings;
	search.is_complete = true;
	note_files(&search);
	for (size_t i = 0; i < count && search.linked_count > 0; i++) {
		if (!walk(granted[i].real, &BOUNDS, compare_entry, &search))
			search.is_complete = false;
	}
	if (!search.is_complete)
		cannot_tell(settings,
			"whether granted directories hold hard links of signed files: there are more than %zu "
			"entries or %d levels, or a directory cannot be read",
			BOUNDS.entries, BOUNDS.depth);
}
