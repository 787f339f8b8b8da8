/* Starts Node.js, or CPython with spython in it, so that it can run nothing but signed code; the
 * hooks inside verify code, and the launcher guarantees what they depend on:
 *
 * - The runtime and its hook are those whose digests launcher.conf names, and the runtime is
 *   executed by the descriptor that was digested.
 * - Flags and environment variables make the runtime load no other code or settings.
 * - The index, and how the launcher was called, are in sealed memory on descriptors 3 and 4.
 * - In modes enforce and strict the kernel refuses what no hook can see.
 *
 * This holds against code that runs after the start, and against files that change later. It
 * assumes that root and the kernel are honest; the user who calls the launcher is no opponent, as
 * he could start the runtime himself. The launcher is linked statically, so that LD_PRELOAD does
 * not reach it. docs/launcher.md. */
#define _GNU_SOURCE
#include "launch.h"
#include "../shared/environment.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

/* execveat() of a descriptor takes an empty path. The filter of system calls knows it by its
 * address, so both uses are this one. */
static const char NO_PATH[] = "";

static void take_granted_directories(struct settings *settings, const struct options *options);
static enum mode choose_mode(const struct settings *settings, const struct options *options);
static void begin_record(
	struct record *record, const struct settings *settings, const struct runtime *runtime);
static int open_index(const struct settings *settings);
static void compose_arguments(char **next, const struct settings *settings,
	const struct options *options, const struct runtime *runtime, char *script, char **own);
static char **compose_environment(const struct settings *settings, const struct options *options,
	const struct runtime *runtime, char *preload);
static void lock_down(const struct settings *settings, const struct runtime *runtime,
	struct record *record, int program, const int *granted, char *const *arguments);

int main(int argc, char **argv)
{
	static struct settings settings;
	static struct record record;
	struct options options = {0};
	struct runtime runtime;

	/* The launcher is never meant to have a set-user-ID bit. */
	if (getauxval(AT_SECURE) != 0)
		_exit(REFUSED);
	report_refusals_of(&settings);
	reserve_descriptors();

	/* Reads what is asked for and what is installed. */
	char **command = parse_options(argc > 0 ? argv + 1 : argv, &options);
	take_granted_directories(&settings, &options);
	read_settings(&settings, options.allows_development);
	settings.mode = choose_mode(&settings, &options);
	choose_runtime(&runtime, &settings, &options, *command);
	begin_record(&record, &settings, &runtime);

	/* Finds what is to run, and where it may write. */
	char script[PATH_MAX];
	int granted[MAX_DIRECTORIES];
	find_script(*command, &options, &runtime, script, &record);
	open_granted_directories(granted, &settings, &runtime, script, &record);

	/* Opens and digests the code that runs before any hook. */
	const int index = open_index(&settings);
	const int program = open_pinned(
		runtime.program, runtime.program_digest, runtime.program_identity, settings.development);
	const int hook = open_pinned(runtime.hook, runtime.hook_digest, NULL, settings.development);
	char preload[PRELOAD_BYTES];
	if (runtime.is_python)
		name_preload(hook, preload);
	if (runtime.addon != NULL) {
		open_pinned(runtime.addon, runtime.addon_digest, NULL, settings.development);
		add_line(&record, "addon", runtime.addon);
	}
	seal_file(INDEX_DESCRIPTOR, "sigtool-index", index, settings.index);

	/* Composes argv and environ. Flags and the script come first, then at most argc arguments of
	 * the script, then NULL. */
	char *arguments[MAX_FLAGS + 1 + argc + 1];
	compose_arguments(arguments, &settings, &options, &runtime, script, command + 1);
	char **environment = compose_environment(&settings, &options, &runtime, preload);

	/* Takes rights away, then becomes the runtime by the descriptor that was digested. */
	lock_down(&settings, &runtime, &record, program, granted, arguments);
	syscall(SYS_execveat, program, NO_PATH, arguments, environment, AT_EMPTY_PATH);
	fail(REFUSED, "Cannot execute \"%s\": %m", runtime.program);
}

/* Puts the directories of --write first; read_settings() adds those of launcher.conf. */
static void take_granted_directories(struct settings *settings, const struct options *options)
{
	memcpy(settings->writable, options->writable, sizeof options->writable);
	settings->writable_count = options->writable_count;
}

/* A caller may ask for a stricter mode than the installed one, and in development for any. */
static enum mode choose_mode(const struct settings *settings, const struct options *options)
{
	if (options->mode_name == NULL)
		return settings->mode;
	const enum mode mode = parse_mode(options->mode_name);
	if (mode < settings->mode && !settings->development)
		fail(REFUSED, "Cannot be in mode %s: launcher.conf says %s", MODE_NAMES[mode],
			MODE_NAMES[settings->mode]);
	return mode;
}

static void begin_record(
	struct record *record, const struct settings *settings, const struct runtime *runtime)
{
	add_line(record, "version", "1");
	add_line(record, "mode", MODE_NAMES[settings->mode]);
	add_line(record, "config", settings->config);
	add_line(record, "development", settings->development ? "allow" : "refuse");
	if (!runtime->is_python)
		add_line(record, "node-major", settings->node_major);
}

static int open_index(const struct settings *settings)
{
	const int index = open(settings->index, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (index < 0)
		fail(REFUSED, "Cannot open the trust index \"%s\": %m", settings->index);
	return index;
}

/* Writes argv: the program's path, the flags, the script, the script's `own` arguments, which end
 * with NULL, and NULL. */
static void compose_arguments(char **next, const struct settings *settings,
	const struct options *options, const struct runtime *runtime, char *script, char **own)
{
	*next = (char *)runtime->program;
	next++;
	if (runtime->is_python)
		next = append_python_flags(next, settings, options);
	else
		next = append_node_flags(next, settings, runtime);
	*next = script;
	next++;
	for (char **argument = own; *argument != NULL; argument++) {
		*next = *argument;
		next++;
	}
	*next = NULL;
}

/* Returns the variables that may pass and the one that tells the hook how it was launched. */
static char **compose_environment(const struct settings *settings, const struct options *options,
	const struct runtime *runtime, char *preload)
{
	char *last = NULL;
	if (runtime->is_python)
		last = preload;
	else if (settings->mode != MODE_OFF)
		last = "SIGTOOL_LAUNCH=3:4";
	char **environment = clean_environment(options->clears_environment, last);
	if (environment == NULL)
		fail(REFUSED, "Cannot start: more than 4094 environment variables");
	return environment;
}

/* Restricts the process in modes enforce and strict, and completes the record in every mode. The
 * record names what this kernel lacks, so it comes after the first restrictions; sealing it makes a
 * memory file, so it comes before the filter, which refuses that. */
static void lock_down(const struct settings *settings, const struct runtime *runtime,
	struct record *record, int program, const int *granted, char *const *arguments)
{
	const bool enforces = settings->mode >= MODE_ENFORCE;
	const bool can_filter = can_filter_calls();
	if (enforces)
		restrict_process(settings, program, granted, can_filter, record);

	if (runtime->is_python)
		close(RECORD_DESCRIPTOR); /* spython has options instead. */
	else
		seal_text(RECORD_DESCRIPTOR, "sigtool-record", record->text);

	if (!enforces || !can_filter)
		return;
	const int result = restrict_calls(program, NO_PATH, arguments, 0);
	if (result != 0)
		fail(REFUSED, "Cannot restrict system calls: %m");
}
