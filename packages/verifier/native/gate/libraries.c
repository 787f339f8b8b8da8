/* Takes the place of dlopen(3) for the whole program, and loads only what a signature names, from
 * sealed copies. */
#define _GNU_SOURCE
#include "../libraries/closure.h"
#include "../shared/digest/sha256.h"
#include "gate.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Maps the file of the addon, although a copy of it is loaded. A later worker opens the file again,
 * and a new installation removes no file that a process maps. */
static void keep_part(int file)
{
	static bool is_kept;
	if (!is_kept && mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED)
		is_kept = true;
}

/* The whole file was copied (leaves_symbols is false), so `file` has nothing to add. */
static void digest(const void *bytes, size_t size, int file, uint8_t sha256[SHA256_BYTES])
{
	(void)file;
	sha256_bytes(bytes, size, sha256);
}

/* Returns true if the policy accepts the owner and the mode of a library, else what object()
 * returns. The copy was made before, so a change of the file's content has no effect any more. */
static bool has_accepted_owner_and_mode(struct closure *closure, const char *path, int file)
{
	struct stat status;
	struct access_fault fault;
	char why[sizeof fault.why + sizeof fault.detail + 64];
	if (fstat(file, &status) != 0)
		return object(closure, path, "cannot be looked at");
	if (accepts_owner_and_mode(&status, &fault))
		return true;
	closure->judged = fault.code;
	snprintf(why, sizeof why, "is refused: %s (%s; %s)", fault.why, fault.code, fault.detail);
	return object(closure, path, why);
}

/* Accepts a part of sigtool, and a library that a signature names. */
static bool judge_library(struct closure *closure, struct library *library, int file)
{
	if (is_part(library->digest)) {
		keep_part(file);
		return true;
	}
	if (*library->real == '\0')
		return object(closure, library->path, "has no path");
	if (rules.addons == ADDONS_REFUSE || !is_named(library->real, library->digest)) {
		closure->is_unnamed = true;
		return object(closure, library->path, "is named by no signature");
	}
	return has_accepted_owner_and_mode(closure, library->path, file);
}

enum { MAX_GRANTED = 65 };
static const char *granted[MAX_GRANTED];
static size_t granted_count;

void note_granted(const char *directory)
{
	if (granted_count == MAX_GRANTED)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use the launch record: it has too many lines");
	granted[granted_count++] = directory;
}

/* Returns true if the path is below a directory that the program may write to. A file there does
 * not belong to the system even if root owns it, because the program may run as root. */
static bool is_granted(const char *path)
{
	for (size_t i = 0; i < granted_count; i++) {
		const size_t length = strlen(granted[i]);
		if (strncmp(path, granted[i], length) == 0 &&
			(path[length] == '/' || granted[i][length - 1] == '/'))
			return true;
	}
	return false;
}

/* Returns true for a library of the system, which the loader takes as it is: it lies in no product
 * and no granted directory, and only root can change it. */
static bool is_left_out(const char *path, bool is_beside)
{
	char real[PATH_MAX];
	return !is_beside && realpath(path, real) != NULL && find_entry(real).product == NULL &&
		!is_granted(real) && is_of_system(real);
}

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Loads a library that is named by a path. Returns NULL if it may not be loaded, with an objection
 * in `finding`. */
static void *load_named(const char *file, int mode, bool is_node)
{
	const struct library_judge judge = {
		digest, judge_library, is_left_out, rules.max_size, .is_always_apart = true};
	/* This may write an event, which the thread apart cannot do, so it comes first. */
	look_for_denials();
	struct closure *closure = collect_closure(file, &judge);
	if (closure == NULL)
		return fail_to_load("there is no memory for it");
	void *handle;
	const struct finding finding = {
		.kind = "library",
		.path = file,
		.digest = closure->count > 0 ? closure->libraries[0].digest : NULL,
		.detail = closure->objection,
	};
	if (*closure->objection == '\0') {
		tell("module.dlopen", ALLOW, &finding, NULL);
		handle = load_closure(closure, mode);
	} else {
		if (is_node && closure->is_unnamed)
			end_intrusion(&finding);
		tell("module.dlopen", REFUSE, &finding,
			closure->judged != NULL ? closure->judged : "ERR_UNTRUSTED_CODE");
		handle = fail_to_load(closure->objection);
	}
	release_closure(closure);
	return handle;
}

/* Loads a library for Node.js itself (`is_node`) or for native code. Node.js loads only by paths:
 * addons, and what SQLite and OpenSSL load for a program. Native code that is signed may also load
 * libraries of the system by their names, unless the mode is strict. */
static void *load(const char *file, int mode, bool is_node)
{
	if (strchr(file, '/') != NULL)
		return load_named(file, mode, is_node);
	void *loaded = real_dlopen(file, mode | RTLD_NOLOAD);
	if (loaded != NULL && !is_node)
		return loaded;
	const struct finding finding = {.kind = "library", .path = file};
	if (is_node)
		end_intrusion(&finding);
	if (rules.mode != MODE_STRICT)
		return real_dlopen(file, mode);
	tell("module.dlopen", REFUSE, &finding, "ERR_UNTRUSTED_CODE");
	return fail_to_load("it names no file");
}

__attribute__((visibility("default"))) void *dlopen(const char *file, int mode)
{
	const bool is_node = is_own_code(__builtin_return_address(0));
	if (!is_gate_closed() || file == NULL || *file == '\0' || (mode & RTLD_NOLOAD) != 0)
		return real_dlopen(file, mode);
	require_index();
	/* The constructors of a library may call dlopen() again. */
	pthread_mutex_lock(&mutex);
	void *handle = load(file, mode, is_node);
	pthread_mutex_unlock(&mutex);
	return handle;
}
