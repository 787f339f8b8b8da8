/* Guarantees that the right to open the file of events again, after it was renamed, is a right to
 * this file alone. Landlock gives such a right only for a whole directory, so the directory may
 * hold nothing else. The process can neither make, nor rename, nor remove files there. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file with this name, and if the walk found anything else. */
struct search {
	const char *name;
	bool has_others;
};

static bool compare_name(const char *path, const struct stat *status, void *context)
{
	struct search *search = context;
	const bool is_events = strcmp(strrchr(path, '/') + 1, search->name) == 0;
	search->has_others = search->has_others || !is_events || !S_ISREG(status->st_mode);
	return false;
}

bool has_own_directory(const char *events, char directory[PATH_MAX])
{
	static const struct walk_bounds BOUNDS = {.depth = 1, .entries = 8};
	join(directory, events, "");
	char *slash = strrchr(directory, '/');
	struct search search = {.name = events + (slash - directory) + 1};
	slash[slash == directory ? 1 : 0] = '\0';
	/* systemd makes a directory of logs a link to a private one. */
	const int opened = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (opened < 0) {
		require_answer(directory);
		return false;
	}
	real_path(opened, directory);
	close(opened);
	const bool is_complete = walk(directory, &BOUNDS, compare_name, &search);
	return is_complete && !search.has_others;
}
