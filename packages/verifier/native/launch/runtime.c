/* Guarantees that the executed program, and the code that it loads first, have the digests in
 * launcher.conf. The program may also have a digest that was announced there. A program is not
 * digested again if its identity_of() equals the one that was recorded at installation. The program
 * and spython are used by the descriptor that was checked. Node.js opens its hook and the addon
 * again by path. So this file assumes that nobody but root, or in development the user, can change
 * or replace these files: open_trusted() checks their owners and modes. */
#define _GNU_SOURCE
#include "runtime.h"
#include "options.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include "../shared/text/hex.h"
#include "../shared/settings/mode.h"
#include "../shared/files/owned-file.h"
#include "../shared/digest/sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in_py(const char *script)
{
	const size_t length = script == NULL ? 0 : strlen(script);
	return length > 3 && strcmp(script + length - 3, ".py") == 0;
}

void choose_runtime(struct runtime *runtime, const struct settings *settings,
	const struct options *options, const char *script)
{
	const bool is_python = options->wants_python || settings->program == NULL || ends_in_py(script);
	if (is_python && settings->python == NULL)
		fail(USAGE,
			"launcher.conf names no python; `sigtool launcher install --python` puts one there");
	if (is_python)
		*runtime = (struct runtime){
			.is_python = true,
			.program = settings->python,
			.program_digest = settings->python_digest,
			.announced = &settings->python_next,
			.hook = settings->spython,
			.hook_digest = settings->spython_digest,
			.libpython = settings->libpython,
			.libpython_digest = settings->libpython_digest,
		};
	else
		*runtime = (struct runtime){
			.program = settings->program,
			.program_digest = settings->digest,
			.announced = &settings->node_next,
			.program_identity = settings->identity,
			.hook = settings->bundle,
			.hook_digest = settings->bundle_digest,
			.addon = settings->addon,
			.addon_digest = settings->addon_digest,
			.gate = settings->mode != MODE_OFF ? settings->gate : NULL,
			.gate_digest = settings->gate_digest,
		};
}

static void digest(int file, const char *path, char hex[SHA256_HEX + 1])
{
	const int failed = sha256_file(file, hex);
	if (failed)
		fail(status_of(errno), "Cannot read \"%s\": %m", path);
}

int open_pinned(const char *path, const char *expected, int development)
{
	char hex[SHA256_HEX + 1];
	const int file = open_trusted(path, development);
	digest(file, path, hex);
	if (strcmp(hex, expected) != 0)
		fail(REFUSED,
			"Cannot trust \"%s\": its SHA-256 is %s, not %s; run `sigtool launcher install` again",
			path, hex, expected);
	return file;
}

static bool is_announced(const char *hex, const struct announced *announced)
{
	for (size_t i = 0; i < announced->count; i++) {
		if (strcmp(hex, announced->digests[i]) == 0)
			return true;
	}
	return false;
}

int open_program(const struct runtime *runtime, int development)
{
	const char *path = runtime->program;
	const int file = open_trusted(path, development);
	struct stat status;
	if (fstat(file, &status) != 0)
		fail(status_of(errno), "Cannot look at \"%s\": %m", path);
	/* The identity is compared first, because digesting node (100 MB) takes up to 0.7 s. */
	char seen[IDENTITY];
	identity_of(&status, seen);
	if (runtime->program_identity != NULL && strcmp(seen, runtime->program_identity) == 0)
		return file;

	char hex[SHA256_HEX + 1];
	digest(file, path, hex);
	if (strcmp(hex, runtime->program_digest) != 0 && !is_announced(hex, runtime->announced))
		fail(REFUSED,
			"Cannot trust \"%s\": its SHA-256 is %s, not %s, and was not announced; if an upgrade "
			"replaced it, run `sigtool launcher install` again, and announce the next one by %s",
			path, hex, runtime->program_digest,
			runtime->is_python ? "--python-next" : "--node-next");
	return file;
}

void name_preload(int library, char variable[PRELOAD_BYTES])
{
	const int high = fcntl(library, F_DUPFD, 900);
	const int descriptor = high < 0 ? dup(library) : high;
	if (descriptor < 0)
		fail(status_of(errno), "Cannot start: no descriptor is left for spython or the gate: %m");
	snprintf(variable, PRELOAD_BYTES, "LD_PRELOAD=/proc/self/fd/%d", descriptor);
}
