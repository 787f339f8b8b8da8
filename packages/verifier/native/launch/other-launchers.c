/* Refuses to make a directory of another launcher writable. Such a directory holds the launcher's
 * program, its launcher.conf and often its hook, and whoever writes there decides what that
 * launcher runs. The search looks through a granted directory and the directories above it. It does
 * not look deeper than BOUNDS allows.
 *
 * A launcher.conf counts only if a launcher would accept it. Anybody may put a file of this name
 * into a directory such as /tmp, and must not be able to stop a service by it. Outside of
 * development a launcher accepts files of root in directories of root. In development it also
 * accepts files and directories of the user.
 *
 * `sigtool run` makes temporary launchers in directories with the sticky bit. They do not count if
 * they are below a granted directory, because they exist only for a short time, and each is of use
 * only to the user who made it. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include "../shared/files/owned-file.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char NAME[] = "/launcher.conf";
static const struct walk_bounds BOUNDS = {.depth = 8, .entries = 20000, .file_name = NAME + 1};

struct search {
	const struct granted *granted;
	const struct settings *settings;
	const struct stat *own; /* this launcher's own launcher.conf */
};

/* Ends the process if the file is the configuration of another launcher. */
static void require_no_launcher(const char *path, int trusted, const struct search *search)
{
	const char *why;
	struct stat status;
	/* A link or a special file is not opened, because opening a device can have effects. */
	if (lstat(path, &status) != 0) {
		require_answer(path);
		return;
	}
	if (!S_ISREG(status.st_mode))
		return;
	const int file = open_owned(path, trusted, &why);
	if (file < 0) {
		require_answer(path);
		return;
	}
	const bool is_own = fstat(file, &status) == 0 && status.st_dev == search->own->st_dev &&
		status.st_ino == search->own->st_ino;
	close(file);
	if (!is_own)
		fail(REFUSED,
			"Cannot make \"%s\" writable: \"%s\" is of another launcher; grant another directory",
			search->granted->real, path);
}

/* Returns true if a launcher could accept a file in this directory. */
static bool is_trusted(const struct stat *directory, const struct search *search)
{
	const bool is_users = search->settings->development && directory->st_uid == geteuid();
	return (directory->st_uid == 0 || is_users) && (directory->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool check_entry(const char *path, const struct stat *status, void *context)
{
	const struct search *search = context;
	if (S_ISDIR(status->st_mode))
		return is_trusted(status, search);
	if (strcmp(strrchr(path, '/'), NAME) == 0)
		require_no_launcher(path, search->settings->development ? TRUST_USER : 0, search);
	return false;
}

void require_no_other_launcher(
	const struct granted *granted, const char *own, const struct settings *settings)
{
	struct stat status = {0};
	stat(own, &status);
	struct search search = {granted, settings, &status};
	char directory[PATH_MAX];
	join(directory, granted->real, "");
	for (;;) {
		char path[PATH_MAX];
		join(path, directory, NAME);
		require_no_launcher(path, settings->development ? TRUST_USER | TRUST_STICKY : 0, &search);
		char *slash = strrchr(directory, '/');
		if (strcmp(directory, "/") == 0)
			break;
		slash[slash == directory ? 1 : 0] = '\0';
	}
	if (is_trusted(&granted->status, &search))
		walk(granted->real, &BOUNDS, check_entry, &search);
}
