/* Guarantees that the caller cannot pass an option to a runtime: an argument that begins with `-`
 * is either an option of the list below, or follows the script and is passed to the script. */
#include "launch.h"
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
	else
		fail(USAGE,
			"Unknown option \"%s\": options of the runtime are fixed, and those of the script "
			"follow the script",
			option);
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
