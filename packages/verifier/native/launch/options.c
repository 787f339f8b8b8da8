/* Guarantees that the caller cannot pass an option to a runtime: an argument that begins with `-`
 * is either an option of the list below, or follows the script and is passed to the script. */
#include "options.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool takes_value(const char *option)
{
	return strcmp(option, "--mode") == 0 || strcmp(option, "--write") == 0;
}

/* Stores an option. `value` is NULL if the option has none. */
static void take_option(struct options *options, const char *option, const char *value)
{
	if (strcmp(option, "--mode") == 0)
		options->mode_name = value;
	else if (strcmp(option, "--write") == 0) {
		if (options->writable_count == MAX_DIRECTORIES)
			fail(USAGE, "Option --write may be given %d times at most", MAX_DIRECTORIES);
		options->writable[options->writable_count] = value;
		options->writable_count++;
	} else if (strcmp(option, "--env-clear") == 0)
		options->clears_environment = true;
	else if (strcmp(option, "--allow-development") == 0)
		options->allows_development = true;
	else if (strcmp(option, "--python") == 0)
		options->wants_python = true;
	else if (strcmp(option, "--protections") == 0)
		options->shows_protections = true;
	else if (strcmp(option, "--help") == 0)
		options->shows_usage = true;
	else
		fail(USAGE,
			"Unknown option \"%s\": options of the runtime are fixed, and those of the script "
			"follow the script",
			option);
}

int print_usage(void)
{
	puts(
		"Usage: sigtool-launch [OPTION]... SCRIPT [ARGUMENT]...\n"
		"       sigtool-launch [OPTION]... -m MODULE [ARGUMENT]...\n"
		"\n"
		"Starts Node.js or CPython so that only signed code runs.\n"
		"\n"
		"  --mode MODE          off, audit, enforce or strict; none weaker than the installed one\n"
		"  --write DIR          let the program write below DIR, and load no code from there\n"
		"  --env-clear          drop all environment variables but a few\n"
		"  --allow-development  accept a development identity, if launcher.conf does\n"
		"  --python             start CPython, whatever the name of SCRIPT\n"
		"  --protections        print what this kernel has, and end\n"
		"\n"
		"`sigtool launcher check` tests an installation.");
	const int failed = fflush(stdout);
	if (failed != 0)
		fail(status_of(errno), "Cannot print the usage: %m");
	return 0;
}

char **parse_options(char **argv, struct options *options)
{
	char **next = argv;
	while (*next != NULL && **next == '-') {
		const char *option = *next;
		next++;
		if (strcmp(option, "--") == 0)
			return next;
		if (strcmp(option, "-m") == 0) {
			options->is_module = true;
			options->wants_python = true;
			return next;
		}
		const char *value = NULL;
		if (takes_value(option)) {
			value = *next;
			if (value == NULL || *value == '\0')
				fail(USAGE, "Option %s needs a value", option);
			next++;
		}
		take_option(options, option, value);
	}
	return next;
}
