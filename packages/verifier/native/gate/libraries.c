/* Takes the place of dlopen(3) and dlmopen(3) for the whole program, and loads only what a
 * signature names, from sealed copies. */
#define _GNU_SOURCE
#include "../libraries/closure.h"
#include "../libraries/look-up.h"
#include "../shared/digest/sha256.h"
#include "../shared/process/decisions.h"
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

/* Tells of a library that is about to be loaded, and by which signature. A rule of the policy about
 * files is asked about that. */
static void tell_library(const struct library *library)
{
	char hex[SHA256_HEX + 1];
	char size[24] = "";
	char place[PATH_ROOM] = "";
	struct entry entry = find_entry(library->real);
	const char *rule = "entry";
	to_hex(library->digest, hex);
	if (library->size > least_size_to_tell())
		snprintf(size, sizeof size, "%zu", library->size);
	if (is_part(library->digest)) {
		rule = "part";
		entry = (struct entry){0};
	} else if (entry.digest == NULL || memcmp(entry.digest, library->digest, SHA256_BYTES) != 0) {
		rule = "content";
		entry = (struct entry){.product = place_of_content(library->digest, place), .name = place};
	}
	const char *path = *library->real == '\0' ? library->path : library->real;
	raise_event("module.dlopen", ALLOW, "kind", "library", "path", path, "sha256", hex, "product",
		entry.product, "entry", entry.name, "rule", rule, "#sizeBytes", size, NULL);
}

enum { MAX_GRANTED = 65 };
static DECIDES const char *granted[MAX_GRANTED];
static DECIDES size_t granted_count;

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
		for (size_t i = 0; i < closure->count; i++)
			tell_library(&closure->libraries[i]);
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

/* Returns the code of the reason why the library would be refused, or NULL. */
static const char *objection_to(const struct library *library)
{
	if (is_part(library->digest) ||
		(rules.addons != ADDONS_REFUSE && is_named(library->real, library->digest)))
		return NULL;
	const struct entry entry = find_entry(library->real);
	if (rules.addons == ADDONS_REFUSE)
		return "ERR_RUNTIME_RULE";
	if (entry.product == NULL)
		return "ERR_OUTSIDE_PRODUCTS";
	return entry.digest == NULL ? "ERR_FILE_ADDED" : "ERR_FILE_MODIFIED";
}

/* Accepts every library, so that all that one call would load are collected. */
static bool accept_library(struct closure *closure, struct library *library, int file)
{
	(void)closure, (void)library, (void)file;
	return true;
}

/* Tells in mode audit of what a call of dlopen(3) loads. The hook has told of an addon itself. */
static void report_libraries(const char *file, bool is_node)
{
	const struct library_judge judge = {
		digest, accept_library, is_left_out, UINT64_MAX, .is_always_apart = true};
	struct closure *closure = collect_closure(file, &judge);
	if (closure == NULL)
		return;
	for (size_t i = is_node ? 1 : 0; i < closure->count; i++) {
		const struct library *library = &closure->libraries[i];
		const char *reason = objection_to(library);
		const struct finding finding = {.kind = "library",
			.path = *library->real == '\0' ? library->path : library->real,
			.digest = library->digest,
			.size = library->size};
		if (reason == NULL)
			tell_library(library);
		else if (is_new(library->digest))
			tell("module.dlopen", AUDIT, &finding, reason);
	}
	release_closure(closure);
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

/* Each thread knows if process.dlopen() is about to load an addon, and if it has loaded the last
 * library that Node.js itself asked for. Others that do so are SQLite and OpenSSL. */
static _Thread_local bool awaits_addon;
static _Thread_local bool is_last_addon;

void await_addon(struct arguments *arguments)
{
	(void)arguments;
	awaits_addon = true;
}

bool may_look_up_entry(void)
{
	return targets.load_addon == NULL || is_last_addon;
}

static void *load_for(const void *caller, const char *file, int mode)
{
	const bool is_node = is_own_code(caller);
	if (is_node) {
		is_last_addon = awaits_addon;
		awaits_addon = false;
	}
	if (!is_gate_closed() || file == NULL || *file == '\0' || (mode & RTLD_NOLOAD) != 0)
		return real_dlopen(file, mode);
	require_index();
	if (is_only_reporting()) {
		if (strchr(file, '/') != NULL)
			report_libraries(file, is_node);
		/* The compiler makes a jump of this call, so libc sees who has called dlopen(). */
		return plain_dlopen()(file, mode);
	}
	/* The constructors of a library may call dlopen() again. */
	pthread_mutex_lock(&mutex);
	void *handle = load(file, mode, is_node);
	pthread_mutex_unlock(&mutex);
	return handle;
}

__attribute__((visibility("default"))) void *dlopen(const char *file, int mode)
{
	return load_for(__builtin_return_address(0), file, mode);
}

/* In a namespace of its own a library has a libc of its own, and its calls do not come here. */
__attribute__((visibility("default"))) void *dlmopen(Lmid_t space, const char *file, int mode)
{
	typedef void *load_apart(Lmid_t, const char *, int);
	const void *caller = __builtin_return_address(0);
	if (space == LM_ID_BASE)
		return load_for(caller, file, mode);
	static const char WHY[] = "it would be loaded into a namespace of its own (dlmopen)";
	const struct finding finding = {.kind = "library", .path = file, .detail = WHY};
	if (is_gate_closed())
		require_index();
	if (is_gate_closed() && is_only_reporting())
		tell("module.dlopen", AUDIT, &finding, "ERR_UNTRUSTED_CODE");
	if (!is_gate_closed() || is_only_reporting())
		return ((load_apart *)real_dlsym()(RTLD_NEXT, "dlmopen"))(space, file, mode);
	if (is_own_code(caller))
		end_intrusion(&finding);
	tell("module.dlopen", REFUSE, &finding, "ERR_UNTRUSTED_CODE");
	return fail_to_load(WHY);
}
