/* The script that the runtime runs. */
#ifndef SIGTOOL_LAUNCH_SCRIPT_H
#define SIGTOOL_LAUNCH_SCRIPT_H
#include <limits.h>

struct options;
struct record;
struct runtime;
struct settings;

/* Finds the script, which must be a regular file, and writes to `path` how the runtime gets it as
 * an argument: as given, or with the links resolved that lead to the signed tree. Links within the
 * tree are left to the hook, which judges them. The record gets the script's real path. With -m
 * `name` names a module: it is not looked up, and the record gets the name itself. A `name` that is
 * NULL ends the process. */
void find_script(const char *name, struct settings *settings, const struct options *options,
	const struct runtime *runtime, char path[PATH_MAX], struct record *record);

#endif
