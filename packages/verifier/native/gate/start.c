/* Starts the gate: reads what the launcher decided and the host configuration, and puts the gate in
 * front of Node.js. The index is verified while Node.js starts. The first text that is not of
 * Node.js waits for the verdict.
 *
 * The start happens in a constructor of this library, before the program's own constructors and its
 * main(). A fault that concerns trust ends the process. A build of Node.js that the gate does not
 * know gets no gate: the hook then refuses mode strict, and reports the lack in other modes. */
#define _GNU_SOURCE
#include "../shared/process/decisions.h"
#include "../shared/process/environment.h"
#include "../shared/files/owned-file.h"
#include "gate.h"
#include "verified-texts.h"
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static DECIDES const char *reason_without_gate = "";

/* Returns why there is no gate, or "" if there is one. The addon of the hook calls this when the
 * hook starts. */
__attribute__((visibility("default"))) const char *sigtool_gate_lacks(void)
{
	note_hook();
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

/* Appends a root to `rules.roots`, a text with one line for each root. */
static void take_root(char *root)
{
	static DECIDES char *roots;
	if (roots == NULL)
		roots = keep_memory(MAX_RECORD_BYTES);
	if (roots == NULL)
		fail(UNDECIDED, "ERR_START", "Cannot start: %m");
	const size_t length = strlen(roots);
	snprintf(roots + length, MAX_RECORD_BYTES - length, "%s\n", root);
	rules.roots = roots;
}

/* Takes the digests of an index that processes share: that of the file, and that of its content. */
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
	if (value_of(line, "collector") != NULL)
		rules.collects = 1;
	if ((value = value_of(line, "root")) != NULL)
		take_root(value);
	if ((value = value_of(line, "shared")) != NULL)
		take_shared(value);
	if ((value = value_of(line, "write")) != NULL)
		note_granted(value);
	if ((value = value_of(line, "hook-sha256")) != NULL ||
		(value = value_of(line, "addon-sha256")) != NULL)
		accept_part(value);
}

/* Reads the record, which stays open for the hook. Its memory is never freed. */
static struct launch read_record(void)
{
	struct launch launch = {.mode = -1};
	char *text = keep_memory(MAX_RECORD_BYTES + 1);
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

/* Puts the gate in front of those of these functions that this build has. Returns why that is
 * impossible, or NULL. */
static const char *close_in_front_of(const struct patch *wanted, size_t wanted_count)
{
	enum { MOST = 32 };
	struct patch patches[MOST];
	size_t count = 0;
	for (size_t i = 0; i < wanted_count && count < MOST; i++) {
		if (wanted[i].function == NULL)
			continue;
		patches[count] = wanted[i];
		patches[count].function = find_work(wanted[i].function);
		count++;
	}
	if (!apply_patches(patches, count))
		return "known first instructions";
	note_gate_closed();
	return NULL;
}

static void open_copies_or_end(void)
{
	if (!open_copies())
		fail(UNDECIDED, "ERR_LIMIT",
			"Cannot start: there are no addresses for copies of texts; raise the limit on "
			"addresses "
			"(ulimit -v, LimitAS=)");
}

/* Puts the gate in front of what compiles text, to report. Returns why that is impossible, or
 * NULL. */
static const char *close_reporting_gate(void)
{
	if (!find_engine())
		return missing_function;
	open_copies_or_end();
	const struct patch wanted[] = {
		{targets.compile_script, judge_script, NULL},
		{targets.compile_function, judge_function, NULL},
		{targets.set_judge_of_strings, take_judge_of_strings, NULL},
		{targets.allow_strings, deny_strings, NULL},
		{targets.add_source_file, accept_source_file, NULL},
	};
	return close_in_front_of(wanted, sizeof wanted / sizeof *wanted);
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
		{targets.new_context, prepare_isolate, NULL},
		{targets.set_flags, judge_flags, NULL},
		{targets.set_flags_of_length, judge_flags, NULL},
		{targets.set_flags_of_command_line, judge_command_line_flags, NULL},
		{targets.connect_inspector, NULL, refuse_inspector},
		{targets.register_ffi, NULL, register_nothing},
		{targets.add_source_file, accept_source_file, NULL},
		{targets.load_addon, await_addon, NULL},
		{targets.new_allocator, NULL, make_allocator},
		{targets.new_buffer, note_request, NULL},
		{targets.use_memory, move_used_memory, NULL},
		{targets.adopt_memory, move_adopted_memory, NULL},
		{targets.allocate_pages, NULL, allocate_pages},
		{targets.free_pages, NULL, free_pages},
		{targets.report_fatal_error, judge_fatal_error, NULL},
	};
	open_copies_or_end();
	open_buffers();
	if (!check_internal_fields())
		return "known checks of internal fields";
	return close_in_front_of(wanted, sizeof wanted / sizeof *wanted);
}

/* Decides what the gate does in this mode. Returns why the hook cannot rely on it, or NULL. */
static const char *close_for(int mode)
{
	if (mode >= MODE_ENFORCE)
		return close_gate();
	report_only();
	const char *reason = close_reporting_gate();
	return reason == NULL ? "in mode audit it only reports" : reason;
}

#define VARIABLE "SIGTOOL_LAUNCH"

/* Only sigtool-launch loads this library, with this variable. */
static bool is_announced_as(const char *value)
{
	const char *announced = getenv(VARIABLE);
	return announced != NULL && strcmp(announced, value) == 0;
}

/* Tells `sigtool doctor` whether this Node.js gets a gate: status 0, or 1 and the function that is
 * missing. The program never begins. */
_Noreturn static void answer_probe(void)
{
	const char *reason = close_gate();
	if (reason == NULL && is_application())
		reason = "a Node.js without an application in it";
	dprintf(STDOUT_FILENO, "%s\n", reason == NULL ? "gate" : reason);
	_exit(reason == NULL ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* When libc first converts a character set, it reads from GCONV_PATH which libraries do that, and
 * later loads them without dlopen(3). The launcher has dropped the variable, but the program may
 * set it. So the first conversion is here. */
static void settle_character_sets(void)
{
	const iconv_t conversion = iconv_open("UTF-8", "UCS-4");
	if (conversion == (iconv_t)-1)
		fail(UNDECIDED, "ERR_START", "Cannot start: libc converts no character sets: %m");
	iconv_close(conversion);
}

__attribute__((constructor)) static void start(void)
{
	if (!open_decisions())
		fail(UNDECIDED, "ERR_START", "Cannot start: the gate's own memory cannot be written: %m");
	forget_preload();
	if (is_announced_as("probe"))
		answer_probe();
	if (!is_announced_as(LAUNCH_DESCRIPTORS))
		fail(REFUSED, NULL, "Cannot start: this library is loaded by sigtool-launch alone");
	rules.launched = 1;
	const struct launch launch = read_record();
	read_host(launch.config);
	begin_to_verify(launch.mode);
	settle_character_sets();
	const char *reason = close_for(launch.mode);
	reserve_room();
	prepare_lending();
	/* Such a program does not load the hook, so nothing would judge paths, or report that the gate
	 * is missing. */
	if (is_application())
		fail(REFUSED, "ERR_START",
			"Cannot start: this program is a single executable application, which runs what is in "
			"it and not the script; use Node.js itself");
	if (reason != NULL)
		reason_without_gate = reason;
	/* The loader starts a program even if it could not load this library. So the hook looks for
	 * this value. */
	if (setenv(VARIABLE, LAUNCH_DESCRIPTORS ":gate", 1) != 0)
		fail(UNDECIDED, "ERR_START", "Cannot start: %m");
}
