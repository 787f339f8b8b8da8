/* Reads the command line of spython.
 *
 * Guarantees that an option which spython does not have, such as one of Python, ends the process
 * with an event, so nobody starts Python in another way than this one. */
#define _GNU_SOURCE
#include "command-line.h"
#include "options.h"
#include "spython.h"

struct command_line options = {.mode = -1};

static const char USAGE_TEXT[] =
	"usage: spython [--index FILE] [--mode off|audit|enforce|strict] [--config FILE] [--audit "
	"FILE] [--xattr ima|spython]\n"
	"               [--allow-development] [--] SCRIPT [ARGUMENT]... | -m MODULE [ARGUMENT]...\n"
	"       spython --about\n"
	"       spython --check-index [--index FILE] [--config FILE] [--allow-development]\n"
	"Runs a script, and only code that the trust index vouches for. docs/reference/spython.md "
	"tells more.";

_Noreturn void print_and_exit(const char *text)
{
	bool is_printed = puts(text) >= 0;
	if (is_printed)
		is_printed = fflush(stdout) == 0;
	exit(is_printed ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Stores the value of an option. Ends the process if the value is missing or not allowed. */
static void take_value(const struct option_row *option, const char *value)
{
	if (value == NULL || *value == '\0')
		fail(USAGE, NULL, "Option %s needs a value", option->name);
	const bool is_taken = take_option(option, value);
	if (!is_taken)
		fail(USAGE, NULL, "Option %s cannot be \"%s\": choose one of %s", option->name, value,
			option->is);
}

static bool is_option(const char *argument)
{
	return argument != NULL && *argument == '-' && strcmp(argument, "-m") != 0;
}

/* Reads options from `argument` on, and returns the position after them. Options end before the
 * script or -m, or after `--`. The first unknown option ends them too, and is put into
 * options.refused. */
static char **take_options(const struct option_row *known, char **argument)
{
	while (is_option(*argument)) {
		if (strcmp(*argument, "--") == 0)
			return argument + 1;
		const struct option_row *option = find_option(known, *argument);
		if (option == NULL) {
			options.refused = *argument;
			return argument;
		}
		if (is_switch(option)) {
			take_option(option, NULL);
		} else {
			argument++;
			take_value(option, *argument);
		}
		argument++;
	}
	return argument;
}

void parse_options(char **arguments)
{
	enum { NO_ATTRIBUTE = -1, IMA_ATTRIBUTE, SPYTHON_ATTRIBUTE };
	int attribute = NO_ATTRIBUTE;
	int about = 0;
	int help = 0;
	int started; /* not used: start.c passes --spython, which has no meaning here */
	const struct option_row known[] = {
		/* Each row has the name, the kind, and the place of the value. */
		{"--index", "text", &options.index},
		{"--mode", MODES, &options.mode},
		{"--config", "text", &options.config},
		{"--audit", "text", &rules.json_lines},
		{"--collector", "switch", &rules.collects},
		{"--roots", "text", &rules.roots},
		{"--xattr", "ima spython", &attribute},
		{"--allow-development", "switch", &rules.development},
		{"--about", "switch", &about},
		{"--check-index", "switch", &rules.is_checking},
		{"--help", "switch", &help},
		{"--spython", "switch", &started},
		{"--launched", "switch", &rules.launched},
		{"--index-sha256", "text", &rules.index_sha256},
		{"--content-sha256", "text", &rules.content_sha256},
		{0},
	};
	options.rest = take_options(known, arguments);
	if (about)
		print_and_exit(SPYTHON_ABOUT);
	if (help)
		print_and_exit(USAGE_TEXT);
	rules.xattr_ima = attribute == IMA_ATTRIBUTE;
	rules.xattr_spython = attribute == SPYTHON_ATTRIBUTE;
	if (options.refused != NULL || rules.is_checking)
		return;
	if (*options.rest == NULL) {
		options.refused = "-";
		return;
	}
	if (strcmp(*options.rest, "-m") == 0) {
		options.module = options.rest[1];
		if (options.module == NULL)
			fail(USAGE, NULL, "Option -m needs a module");
	}
}

/* Returns the name that PEP 578 gives to what this Python option does, e.g. `run_command` for `-c`.
 * Returns null if the option does not run code in one of these ways. */
static const char *name_in_pep_578(const char *option)
{
	if (strncmp(option, "-c", 2) == 0)
		return "run_command";
	if (strncmp(option, "-i", 2) == 0)
		return "run_interactivehook";
	if (strcmp(option, "-") == 0)
		return "run_stdin";
	return NULL;
}

void refuse_options(void)
{
	const char *option = options.refused;
	if (option == NULL)
		return;
	raise_refusal(true, "cmdline.refused", "argument", option, "reason", "ERR_START", NULL);
	const char *way = name_in_pep_578(option);
	if (way != NULL)
		fail(USAGE, NULL, "'%s' is disabled by policy: name a script, or a module by -m", way);
	fail(USAGE, NULL,
		"\"%s\" is one option too many: those of Python are fixed, those of the script follow it",
		option);
}
