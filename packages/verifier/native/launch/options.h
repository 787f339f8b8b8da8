/* The launcher's own options. */
#ifndef SIGTOOL_LAUNCH_OPTIONS_H
#define SIGTOOL_LAUNCH_OPTIONS_H
#include "settings.h"
#include <stdbool.h>
#include <stddef.h>

/* The launcher's own command-line arguments. */
struct options {
	/* NULL if the mode of launcher.conf applies. */
	const char *mode_name;
	const char *writable[MAX_DIRECTORIES];
	size_t writable_count;
	bool clears_environment;
	bool allows_development;
	bool wants_python;
	/* True if the script is the name of a module, as after `python3 -m`. */
	bool is_module;
	/* True if the launcher only prints what this kernel can protect. */
	bool shows_protections;
	/* True if the launcher only prints its options. */
	bool shows_usage;
};

/* Reads the launcher's options from `argv`, which begins after the program's name and ends with
 * NULL. Returns the part of `argv` that begins with the script. Its first element is NULL if there
 * is no script. */
char **parse_options(char **argv, struct options *options);

/* Prints the options. Returns the exit status. */
int print_usage(void);

#endif
