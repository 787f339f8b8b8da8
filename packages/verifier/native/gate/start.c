/* Starts the gate: reads what the launcher decided, then the host configuration and the index, and
 * puts the gate in front of Node.js.
 *
 * All of it happens in a constructor of this library, before the program's own constructors and its
 * main(). A fault that concerns trust ends the process. A build of Node.js that the gate does not
 * know gets no gate: strict mode then ends the process, and the hook tells it in other modes. */
#define _GNU_SOURCE
#include "../shared/environment.h"
#include "../shared/owned-file.h"
#include "gate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	INDEX_DESCRIPTOR = 3,
	RECORD_DESCRIPTOR = 4,
	MAX_RECORD_BYTES = 1 << 16,
};

const struct program_facts program = {
	.name = "sigtool-gate",
	.version = "",
	.tier = "",
	.pins = "",
	.lacks_this_pin = "",
	.lacks_pins = "",
};

static bool is_closed;
static const char *reason_without_gate = "";

bool is_gate_closed(void)
{
	return is_closed;
}

/* Returns why there is no gate, or "" if there is one. The addon of the hook calls this. */
__attribute__((visibility("default"))) const char *sigtool_gate_lacks(void)
{
	return reason_without_gate;
}

/* Returns the value of the line with this key, or NULL. `line` must point to the beginning of a
 * line. */
static char *value_of(char *line, const char *key)
{
	const size_t length = strlen(key);
	return strncmp(line, key, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static int mode_of(const char *name)
{
	for (int mode = MODE_OFF; mode <= MODE_STRICT; mode++) {
		if (strcmp(name, MODE_NAMES[mode]) == 0)
			return mode;
	}
	fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use the launch record: its mode is unknown");
}

/* The lines of the record that the gate needs. */
struct launch {
	int mode;
	const char *config;
};

/* Adds the line of a root to those before it, which it follows in the same memory. */
static void take_root(char *root)
{
	static char roots[MAX_RECORD_BYTES];
	const size_t length = strlen(roots);
	snprintf(roots + length, sizeof roots - length, "%s\n", root);
	rules.roots = roots;
}

static void take_shared(char *digests)
{
	if (strlen(digests) != 2 * SHA256_HEX + 1)
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot use the launch record: its line \"shared\" names no two digests");
	digests[SHA256_HEX] = '\0';
	rules.index_sha256 = digests;
	rules.content_sha256 = digests + SHA256_HEX + 1;
}

static void take_line(char *line, struct launch *launch)
{
	char *value;
	if ((value = value_of(line, "mode")) != NULL)
		launch->mode = mode_of(value);
	if ((value = value_of(line, "config")) != NULL)
		launch->config = value;
	if ((value = value_of(line, "development")) != NULL)
		rules.development = strcmp(value, "allow") == 0;
	if ((value = value_of(line, "audit")) != NULL)
		rules.json_lines = value;
	if ((value = value_of(line, "root")) != NULL)
		take_root(value);
	if ((value = value_of(line, "shared")) != NULL)
		take_shared(value);
	if ((value = value_of(line, "hook-sha256")) != NULL ||
		(value = value_of(line, "addon-sha256")) != NULL)
		accept_part(value);
}

/* Reads the record, which stays open for the hook. Its memory is never freed. */
static struct launch read_record(void)
{
	struct launch launch = {.mode = -1};
	char *text = calloc(1, MAX_RECORD_BYTES + 1);
	const int seals = fcntl(RECORD_DESCRIPTOR, F_GET_SEALS);
	const ssize_t length = text == NULL ? -1 : pread(RECORD_DESCRIPTOR, text, MAX_RECORD_BYTES, 0);
	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS || length <= 0)
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot start: descriptor %d is no record of sigtool-launch, which starts this library",
			RECORD_DESCRIPTOR);
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
		take_line(line, &launch);
	if (launch.mode < 0 || launch.config == NULL)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use the launch record: it lacks a line");
	return launch;
}

/* Verifies the index in a child process, because Node.js sets up its libcrypto later and in its own
 * way, which a first use here would change. The launcher's descriptors and this memory are the same
 * in both processes, so both judge the same bytes. The child's failure is that of this process. */
static void verify_apart(void)
{
	int status;
	const pid_t child = fork();
	if (child < 0)
		fail(UNDECIDED, "ERR_START", "Cannot start a process that verifies the index: %m");
	if (child == 0) {
		load_index(rules.index, INDEX_DESCRIPTOR, -1);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) != child) {
		if (errno != EINTR)
			fail(UNDECIDED, "ERR_START", "Cannot wait for the process that verifies the index: %m");
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS)
		_exit(WEXITSTATUS(status));
	if (!WIFEXITED(status))
		fail(UNDECIDED, "ERR_START", "Cannot verify the index: its process ended by signal %d",
			WTERMSIG(status));
	rules.is_verified = 1;
}

/* Mode strict and a stricter launcher change what the policy says. */
static void apply_mode(int mode)
{
	if (mode > rules.mode)
		rules.mode = mode;
	if (rules.mode == MODE_STRICT)
		rules.string_code = STRING_CODE_REFUSE;
}

/* Puts the gate in front of Node.js. Returns why that is impossible, or NULL. */
static const char *close_gate(void)
{
	if (!find_engine())
		return missing_function;
	const struct patch wanted[] = {
		{targets.compile_script, judge_script, NULL},
		{targets.compile_function, judge_function, NULL},
		{targets.start_streaming, NULL, refuse_streaming},
		{targets.consume_cache, NULL, refuse_code_cache},
		{targets.consume_cache_on_background, NULL, refuse_code_cache},
		{targets.set_judge_of_strings, take_judge_of_strings, NULL},
		{targets.set_judge_of_wasm, take_judge_of_wasm, NULL},
		{targets.allow_strings, deny_strings, NULL},
		{targets.set_flags, judge_flags, NULL},
		{targets.set_flags_of_length, judge_flags, NULL},
		{targets.set_flags_of_command_line, judge_command_line_flags, NULL},
		{targets.connect_inspector, NULL, refuse_inspector},
		{targets.find_symbol, judge_symbol, NULL},
		{targets.register_ffi, NULL, register_nothing},
		{targets.add_source_file, accept_source_file, NULL},
	};
	struct patch patches[sizeof wanted / sizeof *wanted];
	size_t count = 0;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (wanted[i].function == NULL)
			continue;
		patches[count] = wanted[i];
		patches[count].function = find_work(wanted[i].function);
		count++;
	}
	if (!apply_patches(patches, count))
		return "known first instructions";
	is_closed = true;
	return NULL;
}

/* Only sigtool-launch loads this library, with this variable. The hook needs the variable too. */
static bool is_announced_as(const char *value)
{
	const char *announced = getenv("SIGTOOL_LAUNCH");
	return announced != NULL && strcmp(announced, value) == 0;
}

/* Tells `sigtool doctor` whether this Node.js gets a gate: status 0, or 1 and the function that is
 * missing. The program never begins. */
_Noreturn static void answer_probe(void)
{
	const char *reason = close_gate();
	dprintf(STDOUT_FILENO, "%s\n", reason == NULL ? "gate" : reason);
	_exit(reason == NULL ? EXIT_SUCCESS : EXIT_FAILURE);
}

__attribute__((constructor)) static void start(void)
{
	forget_preload();
	if (is_announced_as("probe"))
		answer_probe();
	if (!is_announced_as("3:4"))
		fail(REFUSED, NULL, "Cannot start: this library is loaded by sigtool-launch alone");
	rules.launched = 1;
	const struct launch launch = read_record();
	read_host(launch.config);
	verify_apart();
	load_index(rules.index, INDEX_DESCRIPTOR, -1);
	apply_mode(launch.mode);
	const char *reason = close_gate();
	if (reason == NULL)
		return;
	reason_without_gate = reason;
	if (rules.mode == MODE_STRICT)
		fail(REFUSED, "ERR_START",
			"Cannot enforce strictly: this build of Node.js has no gate (%s); use a release of "
			"nodejs.org, or mode enforce",
			reason);
}
