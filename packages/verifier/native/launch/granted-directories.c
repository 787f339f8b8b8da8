/* Guarantees that no directory is made writable if a file that decides what may run, or a file of
 * the kernel, is below it. The directories are opened here, so replacing one by a link later does
 * not make another directory writable. This file assumes that no link on the paths of the deciding
 * files changes during the start. */
#define _GNU_SOURCE
#include "launch.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

static bool begins_with(const char *path, const char *prefix)
{
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Returns true if a directory belongs to the kernel. The path is checked too, because other file
 * systems are mounted below /proc and /sys. */
static bool is_of_kernel(const struct statfs *file_system, const char *real)
{
	return file_system->f_type == PROC_SUPER_MAGIC || file_system->f_type == SYSFS_MAGIC ||
		strcmp(real, "/dev") == 0 || begins_with(real, "/sys/") || begins_with(real, "/proc/");
}

/* Ends the process if `path` is below `directory`, which is a real path. `path` may be NULL. If the
 * file at `path` exists, links on the path are followed, because they may lead into the
 * directory. */
static void require_not_beneath(const char *path, const char *directory)
{
	char real[PATH_MAX];
	if (path != NULL && realpath(path, real) != NULL)
		path = real;
	const size_t length = strlen(directory);
	const bool is_root = length == 1;
	const bool is_beneath = path != NULL && strncmp(path, directory, length) == 0 &&
		(path[length] == '/' || path[length] == '\0');
	if (is_root || is_beneath)
		fail(REFUSED, "Cannot make \"%s\" writable: \"%s\" lies in it", directory, path);
}

void open_granted_directories(int granted[MAX_DIRECTORIES], const struct settings *settings,
	const struct runtime *runtime, const char *script, struct record *record)
{
	const char *const deciding[] = {
		script,
		runtime->program,
		settings->index,
		settings->config,
		runtime->hook,
		runtime->addon,
	};
	for (size_t i = 0; i < settings->writable_count; i++) {
		const char *path = settings->writable[i];
		struct statfs file_system;
		granted[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (granted[i] < 0 || fstatfs(granted[i], &file_system) != 0)
			fail(USAGE, "Cannot make \"%s\" writable: %m", path);
		char real[PATH_MAX];
		real_path(granted[i], real);
		if (is_of_kernel(&file_system, real))
			fail(REFUSED, "Cannot make \"%s\" writable: it belongs to the kernel", real);
		for (size_t j = 0; j < sizeof deciding / sizeof *deciding; j++)
			require_not_beneath(deciding[j], real);
		for (size_t j = 0; j < settings->tree_count; j++)
			require_not_beneath(settings->trees[j], real);
		add_line(record, "write", real);
	}
}
