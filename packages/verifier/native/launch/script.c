/* Guarantees that the runtime gets a regular file or a module to run. It never gets code from the
 * command line or standard input, a directory, or a subcommand such as `node inspect`. The hook
 * judges the file when the runtime opens it, so an attacker gains nothing by replacing the file
 * after this check. */
#define _GNU_SOURCE
#include "script.h"
#include "links.h"
#include "options.h"
#include "places.h"
#include "record.h"
#include "refusal.h"
#include "runtime.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A link that leads to a signed tree is read once for script, index and trees, so the runtime must
 * not read it again. A link within a signed tree is left for the hook, which refuses it unless the
 * index names it. */
static bool is_outside_trees(const struct step *step, void *context)
{
	const struct settings *settings = context;
	for (size_t i = 0; i < settings->tree_count; i++) {
		if (below(step->path, settings->real_trees[i]) != NULL)
			return false;
	}
	return true;
}

static const char *way_out(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return "; name a script that is there";
	return error == EACCES ? "; let this user read it and pass the directories above it" : "";
}

void find_script(const char *name, struct settings *settings, const struct options *options,
	const struct runtime *runtime, char path[PATH_MAX], struct record *record)
{
	if (name == NULL || *name == '\0' || *name == '-')
		fail(USAGE, "Name a script, such as ./main.js: \"%s\" is no script",
			name == NULL ? "" : name);
	/* The path gets the prefix "./", because node would run a bare name such as `inspect` as a
	 * subcommand. */
	const bool needs_prefix = !runtime->is_python && *name != '/';
	const int length = snprintf(path, PATH_MAX, "%s%s", needs_prefix ? "./" : "", name);
	if (length >= PATH_MAX)
		fail(USAGE, "The path of the script is too long");
	if (options->is_module) {
		add_line(record, "module", name);
		return;
	}

	char resolved[PATH_MAX];
	if (resolve_once(path, resolved, is_outside_trees, settings) > 0)
		snprintf(path, PATH_MAX, "%s", resolved);
	const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	if (file < 0 || fstat(file, &status) != 0)
		fail(
			status_of_argument(errno), "Cannot open the script \"%s\": %m%s", path, way_out(errno));
	if (!S_ISREG(status.st_mode))
		fail(USAGE, "\"%s\" is no script: it is not a regular file", path);
	char real[PATH_MAX];
	real_path(file, real);
	add_line(record, "script", real);
}
