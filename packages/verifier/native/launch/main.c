/* Starts Node.js, or CPython with spython, so that the runtime can run only signed code. Hooks in
 * the runtime verify code. The launcher guarantees what these hooks depend on:
 *
 * - The runtime and its hook are those whose digests launcher.conf names, and the runtime is
 *   executed by the descriptor that was digested.
 * - Flags and environment variables cannot make the runtime load other code or settings.
 * - The index, and a record of the launcher's decisions, are in sealed memory on descriptors 3
 *   and 4. In place of the index there may be a copy of it that only root can change.
 * - Events go to a collector, a process that the program cannot reach, so that the program can
 *   neither change nor remove what was written.
 * - In modes enforce and strict the kernel refuses actions that no hook can see.
 *
 * These guarantees protect against code that runs after the start, and against files that change
 * later. They assume that root and the kernel are honest. The user who calls the launcher is not an
 * attacker, because this user could start the runtime without the launcher. The launcher is linked
 * statically, so that LD_PRELOAD does not affect it. docs/reference/launcher.md tells more. */
#define _GNU_SOURCE
#include "descriptors.h"
#include "flags.h"
#include "granted-directories.h"
#include "links.h"
#include "options.h"
#include "protections.h"
#include "record.h"
#include "refusal.h"
#include "restrictions.h"
#include "runtime.h"
#include "script.h"
#include "settings.h"
#include "shared-index.h"
#include "stopped-variables.h"
#include "../collector/collector.h"
#include "../shared/settings/constants.h"
#include "../shared/process/environment.h"
#include "../shared/events/event-line.h"
#include "../shared/process/exit-status.h"
#include "../shared/text/hex.h"
#include "../shared/confinement/lockdown.h"
#include "../shared/settings/mode.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The empty path that execveat() needs to execute a descriptor. The filter of system calls compares
 * the address of the path, so the filter and the call must both use this array. */
static const char NO_PATH[] = "";

static void take_granted_directories(struct settings *settings, const struct options *options);
static enum mode choose_mode(const struct settings *settings, const struct options *options);
static void start_events(const struct settings *settings);
static void begin_record(
	struct record *record, const struct settings *settings, const struct runtime *runtime);
static int open_index(const struct settings *settings);
static void pass_index(int index, struct settings *settings, struct record *record);
static void compose_arguments(char **next, const struct settings *settings,
	const struct options *options, const struct runtime *runtime, char *script, char **own);
static char **compose_environment(const struct settings *settings, const struct options *options,
	const struct runtime *runtime, char *preload);
static void lock_down(const struct settings *settings, const struct runtime *runtime,
	struct record *record, const int *granted, const struct execution *execution);
static uint64_t random_secret(void);

int main(int argc, char **argv)
{
	static struct settings settings;
	static struct record record;
	struct options options = {0};
	struct runtime runtime;

	/* AT_SECURE is set for a program that has more rights than its caller, which the launcher must
	 * never be. */
	if (getauxval(AT_SECURE) != 0)
		fail(REFUSED,
			"Cannot start: the launcher's file has a set-user-ID bit, a set-group-ID bit or "
			"capabilities; remove these by chmod ug-s and setcap -r");
	report_refusals_of(&settings);
	/* A limit on the size of files shall be an error that can be told. Node.js and CPython ignore
	 * the signal too. */
	signal(SIGXFSZ, SIG_IGN);
	reserve_descriptors();

	/* The options and launcher.conf are read first. */
	char **command = parse_options(argc > 0 ? argv + 1 : argv, &options);
	if (options.shows_usage)
		return print_usage();
	if (options.shows_protections)
		return print_protections();
	take_granted_directories(&settings, &options);
	read_settings(&settings, options.allows_development);
	settings.mode = choose_mode(&settings, &options);
	settings.collects = settings.collects && settings.mode != MODE_OFF;
	choose_runtime(&runtime, &settings, &options, *command);
	start_events(&settings);
	resolve_places(&settings);
	begin_record(&record, &settings, &runtime);

	/* Then the script and the writable directories are found. */
	char script[PATH_MAX];
	int granted[MAX_DIRECTORIES + 1];
	find_script(*command, &settings, &options, &runtime, script, &record);
	const int index = open_index(&settings);
	open_granted_directories(granted, index, &settings, &runtime, *command, &record);

	/* The code that runs before any hook is opened and digested. */
	const int program = open_program(&runtime, settings.development);
	const int hook = open_pinned(runtime.hook, runtime.hook_digest, settings.development);
	char preload[PRELOAD_BYTES] = "";
	if (runtime.is_python)
		name_preload(hook, preload);
	if (runtime.gate != NULL) {
		const int gate = open_pinned(runtime.gate, runtime.gate_digest, settings.development);
		name_preload(gate, preload);
		add_line(&record, "gate-sha256", runtime.gate_digest);
	}
	if (runtime.libpython != NULL)
		open_pinned(runtime.libpython, runtime.libpython_digest, settings.development);
	if (runtime.addon != NULL) {
		open_pinned(runtime.addon, runtime.addon_digest, settings.development);
		add_line(&record, "addon", runtime.addon);
		add_line(&record, "addon-sha256", runtime.addon_digest);
	}
	pass_index(index, &settings, &record);

	/* argv and environ of the runtime are composed. argv has the program, the flags, the script, at
	 * most argc arguments of the script, and NULL. */
	char *arguments[MAX_FLAGS + 1 + argc + 1];
	compose_arguments(arguments, &settings, &options, &runtime, script, command + 1);
	char **environment = compose_environment(&settings, &options, &runtime, preload);

	/* The process gives up rights, then executes the file that was digested. From then on the
	 * filter allows only an execveat() call with exactly these arguments. The program could find
	 * the descriptor and the addresses by trying, but not the random sixth argument, which the
	 * kernel ignores. */
	const struct execution execution = {program, NO_PATH, arguments, random_secret()};
	lock_down(&settings, &runtime, &record, granted, &execution);
	syscall(
		SYS_execveat, program, NO_PATH, arguments, environment, AT_EMPTY_PATH, execution.secret);
	fail(status_of(errno), "Cannot execute \"%s\": %m", runtime.program);
}

/* Returns 64 random bits. The memory of the launcher, which contains them, ends with its execveat()
 * call. */
static uint64_t random_secret(void)
{
	uint64_t secret;
	const ssize_t got = getrandom(&secret, sizeof secret, 0);
	if (got != sizeof secret)
		fail(status_of(errno), "Cannot start: the kernel gives no random numbers: %m");
	return secret;
}

/* Copies the directories of --write. read_settings() adds those of launcher.conf after them. */
static void take_granted_directories(struct settings *settings, const struct options *options)
{
	memcpy(settings->writable, options->writable, sizeof options->writable);
	settings->writable_count = options->writable_count;
}

/* Returns the mode that the caller asked for, which may be weaker than that of launcher.conf only
 * in development. The default is the mode of launcher.conf. */
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

/* Starts the collector, if the settings want it, which writes the events of the launcher and of the
 * program. */
static void start_events(const struct settings *settings)
{
	if (!settings->collects) {
		release_descriptors();
		return;
	}
	if (!open_log(settings->audit)) {
		char reason[PATH_MAX + 256];
		explain_event_file(settings->audit, reason, sizeof reason);
		fail(status_of(errno), "ERR_AUDIT_SINK: %s", reason);
	}
	if (!start_collector(settings->audit))
		fail(status_of(errno),
			"ERR_AUDIT_SINK: Cannot start the collector of events for \"%s\": %m", settings->audit);
}

static void begin_record(
	struct record *record, const struct settings *settings, const struct runtime *runtime)
{
	add_line(record, "version", "1");
	add_line(record, "mode", MODE_NAMES[settings->mode]);
	add_line(record, "config", settings->config);
	add_line(record, "development", settings->development ? "allow" : "refuse");
	if (settings->audit != NULL)
		add_line(record, "audit", settings->audit);
	if (settings->collects && !runtime->is_python)
		add_line(record, "collector", COLLECTOR_DESCRIPTORS);
	if (!runtime->is_python) {
		add_line(record, "node-major", settings->node_major);
		add_line(record, "hook-sha256", runtime->hook_digest);
	}
	add_roots(record, settings->roots);
}

static int open_index(const struct settings *settings)
{
	const int index = open(settings->real_index, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (index < 0)
		fail(status_of(errno), "Cannot open the trust index \"%s\": %m", settings->index);
	return index;
}

/* Passes root's copy of the index, which all processes share, or else a copy of its own to this
 * process. */
static void pass_index(int index, struct settings *settings, struct record *record)
{
	char digests[2 * SHA256_HEX + 2];
	const int shared = open_shared(index, &settings->shared);
	if (shared < 0) {
		seal_file(INDEX_DESCRIPTOR, "sigtool-index", index, settings->index);
		return;
	}
	pass_file(INDEX_DESCRIPTOR, shared);
	snprintf(digests, sizeof digests, "%s %s", settings->shared.sha256, settings->shared.content);
	add_line(record, "shared", digests);
}

/* Writes the argv of the runtime at `next`: the program's path, the flags, the script, the script's
 * arguments `own`, and NULL. `own` ends with NULL too. */
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

/* Returns the environment variables that may pass, and those that the launcher adds for the
 * loader and for the hook. Tells which variables mode strict stops. */
static char **compose_environment(const struct settings *settings, const struct options *options,
	const struct runtime *runtime, char *preload)
{
	char *added[3] = {NULL};
	size_t count = 0;
	if (*preload != '\0')
		added[count++] = preload;
	if (!runtime->is_python && settings->mode != MODE_OFF)
		added[count++] = "SIGTOOL_LAUNCH=" LAUNCH_DESCRIPTORS;
	struct passing passing = {.only = ALL_HARMLESS, .named = settings->variables};
	if (options->clears_environment)
		passing.only = ONLY_BASIC;
	else if (settings->mode == MODE_STRICT)
		passing.only = ONLY_LISTED;
	if (passing.only == ONLY_LISTED)
		tell_stopped(&passing, settings->audit);
	char **environment = clean_environment(&passing, added);
	if (environment == NULL)
		fail(REFUSED, "Cannot start: more than 4094 environment variables");
	return environment;
}

/* Restricts the process in modes enforce and strict, and seals the record in every mode. The record
 * lists what this kernel lacks, so it is sealed after the first restrictions. Sealing needs
 * memfd_create(), so it is done before the filter, which refuses this call. */
static void lock_down(const struct settings *settings, const struct runtime *runtime,
	struct record *record, const int *granted, const struct execution *execution)
{
	const bool enforces = settings->mode >= MODE_ENFORCE;
	const bool filters =
		enforces && restrict_process(settings, runtime, execution->program, granted, record);

	if (runtime->is_python)
		close(RECORD_DESCRIPTOR); /* spython gets options instead of a record. */
	else
		seal_text(RECORD_DESCRIPTOR, "sigtool-record", record->text);

	if (!filters)
		return;
	const bool limits_tcp = settings->network.limits_bind || settings->network.limits_connect;
	const bool limits_code = runtime->is_python && !settings->allows_writable_code;
	/* The gate of Node.js and spython load libraries from sealed memory. Without a gate nothing
	 * needs a memfd. */
	const bool has_gate = runtime->gate != NULL || runtime->is_python;
	const int result = restrict_calls(execution,
		(limits_tcp ? TCP_LIMITED : 0) | (limits_code ? ONLY_FILES_AS_CODE : 0) |
			(has_gate ? MEMORY_FILES : 0) | (settings->collects ? KEEPS_CHANNEL : 0));
	if (result != 0)
		fail(status_of(errno), "Cannot restrict system calls: %m");
}
