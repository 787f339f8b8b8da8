/* Starts Node.js, or CPython with a spython in it, so that it can run nothing but what was signed.
 * Statically linked, so that LD_PRELOAD does not reach it. Reads launcher.conf beside itself, holds
 * the program and its hook against their digests, and executes it by the descriptor it looked at:
 * with fixed flags, cleaned variables, the index and a launch record in sealed memory on
 * descriptors 3 and 4, and with the kernel refusing what no hook inside the process can.
 * docs/launcher.md. */
#define _GNU_SOURCE
#include "launch.h"
#include "../environment.h"
#include "../complain.h"
#include "../event-line.h"
#include "../owned-file.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { INDEX = 3, RECORD = 4, MAX_INDEX_BYTES = 1 << 28, MAX_FLAGS = 24 };

static struct settings settings;
static const char *mode_asked;
static int writable[MAX_DIRECTORIES], clear_environment, allow_development, python, module;
static char record[1 << 16] = "version 1\n";

/* A refusal is an event, where there is a file for these. */
_Noreturn void fail(int status, const char *format, ...)
{
	const int error = errno;
	va_list values;
	va_start(values, format);
	if (status == REFUSED && settings.audit != NULL)
		write_event(open_event_file(settings.audit), "verifier.start", REFUSE, "reason",
			"ERR_LAUNCHER", NULL);
	errno = error; /* for %m */
	complain(status, "sigtool-launch", format, values);
}

static void say(const char *key, const char *value)
{
	size_t length = strlen(record), room = sizeof record - length;
	if (strchr(value, '\n') != NULL)
		fail(REFUSED, "Cannot start: \"%s\" holds a line break", value);
	if ((size_t)snprintf(record + length, room, "%s %s\n", key, value) >= room)
		fail(REFUSED, "Cannot start: too many settings");
}

/* Standard descriptors are open and no other is, as one left open for writing would pass by
 * Landlock; 3 and 4 are reserved. */
static void tidy_descriptors(void)
{
	if (syscall(SYS_close_range, INDEX, ~0U, 0) != 0)
		fail(REFUSED, "Cannot start: this kernel lacks close_range (Linux 5.9)");
	for (int descriptor = 0; descriptor <= RECORD; descriptor++)
		if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) != descriptor)
			_exit(REFUSED);
}

/* Returns the words from SCRIPT, or the name of a module, on. */
static char **parse_options(char **word)
{
	for (; *word != NULL && **word == '-'; word++) {
		int takes_value = strcmp(*word, "--mode") == 0 || strcmp(*word, "--write") == 0;
		if (takes_value && (word[1] == NULL || *word[1] == 0))
			fail(USAGE, "Option %s needs a value", *word);
		if (strcmp(*word, "--mode") == 0)
			mode_asked = *++word;
		else if (strcmp(*word, "--env-clear") == 0)
			clear_environment = 1;
		else if (strcmp(*word, "--allow-development") == 0)
			allow_development = 1;
		else if (strcmp(*word, "--python") == 0)
			python = 1;
		else if (strcmp(*word, "-m") == 0)
			return module = python = 1, word + 1;
		else if (takes_value && settings.writable_count < MAX_DIRECTORIES)
			settings.writable[settings.writable_count++] = *++word;
		else if (strcmp(*word, "--") == 0)
			return word + 1;
		else
			fail(USAGE,
				"\"%s\" is one option too many: those of the runtime are fixed, those of the "
				"script follow it",
				*word);
	}
	return word;
}

/* `path` as the runtime gets it; what is recorded is where it really is. A file: no -, no -e, no
 * directory, no `inspect`. */
static void find_script(const char *name, char path[PATH_MAX])
{
	char real[PATH_MAX];
	struct stat entry;
	if (name == NULL || *name == 0 || *name == '-')
		fail(USAGE, "Name a script, as ./main.js: \"%s\" is no script", name == NULL ? "" : name);
	if (snprintf(path, PATH_MAX, "%s%s", python || *name == '/' ? "" : "./", name) >= PATH_MAX)
		fail(USAGE, "The path is too long");
	if (module)
		return say("module", name);
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, &entry) != 0)
		fail(USAGE, "Cannot open the script \"%s\": %m", path);
	if (!S_ISREG(entry.st_mode))
		fail(USAGE, "\"%s\" is no script: it is not a regular file", path);
	real_path(file, real);
	say("script", real);
}

static void require_not_beneath(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	char real[PATH_MAX]; /* links on the way may lead there */
	if (path != NULL && realpath(path, real) != NULL)
		path = real;
	if (length == 1 || (path != NULL && strncmp(path, directory, length) == 0 &&
						   (path[length] == '/' || path[length] == 0)))
		fail(REFUSED, "Cannot make \"%s\" writable: \"%s\" lies in it", directory, path);
}

/* Opens what --write names, and refuses directories of the kernel's and such as hold what decides.
 */
static void open_writable(const char *script)
{
	const char *const held[] = {
		script, settings.program, settings.index, settings.config, settings.bundle, settings.addon};
	char real[PATH_MAX];
	struct statfs kind;
	for (size_t i = 0; i < settings.writable_count; i++) {
		writable[i] = open(settings.writable[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (writable[i] < 0 || fstatfs(writable[i], &kind) != 0)
			fail(USAGE, "Cannot make \"%s\" writable: %m", settings.writable[i]);
		real_path(writable[i], real);
		if (kind.f_type == PROC_SUPER_MAGIC || kind.f_type == SYSFS_MAGIC ||
			strcmp(real, "/dev") == 0 || strncmp(real, "/sys/", 5) == 0 ||
			strncmp(real, "/proc/", 6) == 0) /* other file systems lie in them */
			fail(REFUSED, "Cannot make \"%s\" writable: it is the kernel's", real);
		for (size_t j = 0; j < sizeof held / sizeof *held; j++)
			require_not_beneath(held[j], real);
		for (size_t j = 0; j < settings.tree_count; j++)
			require_not_beneath(settings.trees[j], real);
		say("write", real);
	}
}

/* The digest is taken unless the file is the very one, untouched since, that was digested at
 * installation: node is 100 MB. */
static int open_pinned(const char *path, const char *digest, const char *identity)
{
	char hex[SHA256_HEX + 1], seen[IDENTITY];
	struct stat s;
	int file = open_trusted(path, settings.development);
	if (fstat(file, &s) != 0)
		fail(REFUSED, "Cannot look at \"%s\": %m", path);
	identity_of(&s, seen);
	if (identity != NULL && strcmp(seen, identity) == 0)
		return file;
	if (sha256_file(file, hex) != 0)
		fail(REFUSED, "Cannot read \"%s\": %m", path);
	if (strcmp(hex, digest) != 0)
		fail(REFUSED, "Cannot trust \"%s\": its SHA-256 is %s, not %s", path, hex, digest);
	return file;
}

/* Makes `descriptor` a memory file that nobody can change any more, with `text`, or all of `file`,
 * in it. */
static void seal(int descriptor, const char *name, const char *text, int file)
{
	static char buffer[1 << 16];
	int memory = (int)syscall(SYS_memfd_create, name, 8U /* MFD_NOEXEC_SEAL, Linux 6.3 */);
	if (memory < 0)
		memory = (int)syscall(SYS_memfd_create, name, MFD_ALLOW_SEALING);
	ssize_t got = text == NULL ? read(file, buffer, sizeof buffer) : (ssize_t)strlen(text);
	for (off_t size = got; got != 0;
		got = text == NULL ? read(file, buffer, sizeof buffer) : 0, size += got)
		if (got < 0 || (size > MAX_INDEX_BYTES && (errno = EFBIG)) ||
			write(memory, text == NULL ? buffer : text, (size_t)got) != got)
			fail(REFUSED, "Cannot copy \"%s\" into memory: %m",
				text == NULL ? settings.index : name);
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0 ||
		dup2(memory, descriptor) < 0)
		fail(REFUSED, "Cannot seal memory: %m");
	close(memory);
}

/* Permissions take back, in strict, what no hook sees. What may be written is for Landlock to say.
 * Python gets the options of spython, of which it knows not even the first: should the loader not
 * load that, nothing runs. */
static char **program_flags(char **words, int major)
{
	const int on = !python && settings.mode != MODE_OFF,
			  enforce = on && settings.mode >= MODE_ENFORCE,
			  strict = on && settings.mode == MODE_STRICT;
	const int no_addons =
		settings.addons != NULL && settings.addon == NULL; /* the verifier's own is one */
	const struct {
		int when;
		const char *flag;
	} flags[] = {{1, settings.program}, {python, "--launched"}, {python, "--mode"},
		{python, MODE_NAMES[settings.mode]}, {python, "--config"}, {python, settings.config},
		{python && settings.audit, "--audit"}, {python && settings.audit, settings.audit},
		{python && settings.development, "--allow-development"}, {python, module ? "-m" : "--"},
		{on, "--require"}, {on, settings.bundle},
		{strict || (enforce && settings.string_code != NULL),
			"--disallow-code-generation-from-strings"},
		{enforce, major >= 22 ? "--disable-sigusr1" : "--no-experimental-require-module"},
		{enforce && no_addons, "--no-addons"},
		{strict, major >= 22 ? "--permission" : "--experimental-permission"},
		{strict, "--allow-fs-read=*"}, {strict, "--allow-fs-write=*"},
		{strict && major >= 25, "--allow-net"}, {strict, "--disable-warning=SecurityWarning"},
		{strict && (major < 22 || major >= 25), "--disable-warning=ExperimentalWarning"},
		{strict && !no_addons, "--allow-addons"},
		{strict && (major < 22 || settings.workers == NULL),
			"--allow-worker"}}; /* imports have a thread there */
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].when)
			*words++ = (char *)flags[i].flag;
	return words;
}

/* What this kernel lacks is named; in strict it ends the start, unless nothing depends on it. */
static void miss(const char *feature, int needed)
{
	if (needed && settings.mode == MODE_STRICT)
		fail(REFUSED, "Cannot enforce strictly: this kernel lacks %s", feature);
	if (needed)
		dprintf(2,
			"sigtool-launch: this kernel lacks %s; docs/launcher.md tells what that leaves open\n",
			feature);
	say("missing", feature);
}

/* From here on the kernel refuses. The record is sealed before making memory files is refused, too.
 */
static void lock_down(int program, const char *path, char *const *arguments)
{
	const uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	const int enforce = settings.mode >= MODE_ENFORCE,
			  filters = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) == 0;
	if (enforce) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		if (settings.audit != NULL)
			close(open_event_file(settings.audit));
		/* Interpreters that ask are told to take no code from a person (Linux 6.14):
		 * deny-interactive and its lock. */
		if (prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) | 0x400 | 0x800, 0, 0,
				0) != 0)
			miss("securebits", 0);
		int version = restrict_files(&settings, program, writable);
		if (version < 3)
			miss(version < 1 ? "landlock" : "landlock-truncate", 1);
		if (!filters)
			miss("seccomp", 1);
	}
	if (python)
		close(RECORD);
	else
		seal(RECORD, "sigtool-record", record, -1);
	if (enforce && filters && restrict_calls(program, path, arguments, 0) != 0)
		fail(REFUSED, "Cannot restrict system calls: %m");
}

int main(int count, char **words)
{
	char script[PATH_MAX], preload[64];
	if (getauxval(AT_SECURE) != 0)
		_exit(REFUSED); /* set-user-ID was never meant */
	tidy_descriptors();
	char **word = parse_options(words + (count > 0));
	read_settings(&settings, allow_development);
	enum mode mode = mode_asked == NULL ? settings.mode : parse_mode(mode_asked);
	if (mode < settings.mode && !settings.development)
		fail(REFUSED, "Cannot be in mode %s: launcher.conf says %s", MODE_NAMES[mode],
			MODE_NAMES[settings.mode]);
	settings.mode = mode;
	const size_t length = *word == NULL ? 0 : strlen(*word);
	python |= settings.program == NULL || (length > 3 && strcmp(*word + length - 3, ".py") == 0);
	if (python) {
		settings.program = settings.python, settings.digest = settings.python_digest,
		settings.identity = settings.addon = NULL;
		settings.bundle = settings.spython, settings.bundle_digest = settings.spython_digest;
	}
	if (settings.program == NULL)
		fail(USAGE, "launcher.conf names no python: `sigtool launcher install --python` does");
	say("mode", MODE_NAMES[mode]);
	say("config", settings.config);
	say("development", settings.development ? "allow" : "refuse");
	if (!python)
		say("node-major", settings.node_major);
	find_script(*word, script);
	open_writable(script);
	int index = open(settings.index, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (index < 0)
		fail(REFUSED, "Cannot open the trust index \"%s\": %m", settings.index);
	int program = open_pinned(settings.program, settings.digest, settings.identity);
	const int hook =
		settings.bundle == NULL ? -1 : open_pinned(settings.bundle, settings.bundle_digest, NULL);
	/* The very file that was digested. Debuggers look for the name among their own: by a number
	 * that few have, where so many may be open. */
	const int high = python ? fcntl(hook, F_DUPFD, 900) : -1;
	if (python)
		snprintf(
			preload, sizeof preload, "LD_PRELOAD=/proc/self/fd/%d", high < 0 ? dup(hook) : high);
	if (settings.addon != NULL && open_pinned(settings.addon, settings.addon_digest, NULL))
		say("addon", settings.addon);
	seal(INDEX, "sigtool-index", NULL, index);
	char *arguments[MAX_FLAGS + 2 + count],
		**next = program_flags(arguments, python ? 0 : atoi(settings.node_major));
	for (*next++ = script; (*next = *++word) != NULL; next++)
		continue;
	char **environment =
		clean_environment(clear_environment, python             ? preload
											 : mode == MODE_OFF ? NULL
																: "SIGTOOL_LAUNCH=3:4");
	if (environment == NULL)
		fail(REFUSED, "Cannot start: more than 4094 variables");
	const char *empty = ""; /* the filter knows it by its address */
	lock_down(program, empty, arguments);
	syscall(SYS_execveat, program, empty, arguments, environment, AT_EMPTY_PATH);
	fail(REFUSED, "Cannot execute \"%s\": %m", settings.program);
}
