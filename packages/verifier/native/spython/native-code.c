/* Takes the place of dlopen(3) for the whole process: for the interpreter, and for native code that
 * loads more. Only libraries that the open-code hook would accept as files are loaded, from sealed
 * copies. In audit mode nothing changes but that events tell of them.
 *
 * Python announces most loads by an audit event, which can refuse them by an exception. So
 * prepare_library() judges and copies the file then, and dlopen() takes these copies. */
#define _GNU_SOURCE
#include "../libraries/closure.h"
#include "../libraries/take-dlsym.h"
#include "../shared/process/complain.h"
#include "finding.h"
#include "spython.h"
#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* The note of each library that was judged. */
struct judgement {
	struct opened file;
	struct finding finding;
};

/* If libcrypto or reading fails, the digest is one that no entry of an index has. */
static void digest(const void *bytes, size_t size, int file, uint8_t sha256[SHA256_BYTES])
{
	enum { PART_BYTES = 1 << 16 }; /* larger ones save no time that can be measured */
	static EVP_MD *algorithm; /* fetching takes longer than digesting most libraries */
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t *part = malloc(PART_BYTES); /* the stack of a thread can be smaller */
	ssize_t count = -1;
	memset(sha256, 0, SHA256_BYTES);
	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context != NULL && part != NULL && EVP_DigestInit_ex(context, algorithm, NULL) &&
		EVP_DigestUpdate(context, bytes, size)) {
		do
			count = read(file, part, PART_BYTES);
		while (count > 0 && EVP_DigestUpdate(context, part, (size_t)count));
	}
	if (count == 0)
		EVP_DigestFinal_ex(context, sha256, NULL);
	EVP_MD_CTX_free(context);
	free(part);
}

static bool judge_library(struct closure *closure, struct library *library, int file)
{
	struct judgement *judgement = calloc(1, sizeof *judgement);
	if (judgement == NULL)
		return object(closure, library->path, "cannot be judged: there is no memory");
	struct opened *opened = &judgement->file;
	library->note = judgement;
	opened->path = library->path;
	opened->descriptor = file;
	opened->is_native = true;
	memcpy(opened->digest, library->digest, SHA256_BYTES);
	strcpy(opened->real, library->real);
	if (*opened->real == '\0' || fstat(file, &opened->stat) != 0) {
		judgement->finding =
			(struct finding){.reason = "ERR_FILE_TYPE", .rule = "files", .why = "it has no path"};
	} else {
		opened->entry = find_entry(opened->real);
		judgement->finding = judge(opened);
	}
	if (opened->entry.product == NULL)
		judgement->finding.mend = "adopt its directory with `sigtool compile --adopt`";
	if (verdict_of(&judgement->finding, true) != REFUSE)
		return true;
	snprintf(closure->objection, sizeof closure->objection, "%s",
		message_of(opened, &judgement->finding));
	return false;
}

/* A library that is loaded already is not loaded again. */
static bool is_left_out(const char *path, bool is_beside)
{
	char real[PATH_MAX];
	if (is_beside)
		return is_loaded(path);
	const bool is_outside = realpath(path, real) != NULL && find_entry(real).product == NULL;
	return (is_outside && is_of_system(real)) || is_loaded(path);
}

static void tell_judgement(const struct judgement *judgement, const char *kind)
{
	const struct opened *file = &judgement->file;
	const struct finding *finding = &judgement->finding;
	char size[SIZE_ROOM];
	raise_event("module.dlopen", verdict_of(finding, true), "path", file->real, "kind", kind,
		"sha256", file->hex, "expected", file->expected, "product", file->entry.product, "entry",
		file->entry.name, "rule", finding->rule, "reason", finding->reason, "denial",
		finding->denial, "#sizeBytes", text_of_size(&file->stat, size), "detail", finding->detail,
		NULL);
}

/* Raises the event of an objection that is not that of a judgement, and completes its text. */
static void tell_objection(struct closure *closure, const char *kind)
{
	enum { REST = 64 };
	char text[sizeof closure->objection + REST];
	raise_event("module.dlopen", rules.mode < MODE_ENFORCE ? AUDIT : REFUSE, "path", closure->file,
		"kind", kind, "rule", "files", "reason", closure->code, "detail", closure->objection, NULL);
	snprintf(text, sizeof text, "Cannot load %s (%s)", closure->objection, closure->code);
	memcpy(closure->objection, text, sizeof closure->objection);
	closure->objection[sizeof closure->objection - 1] = '\0';
}

/* Collects and judges, and raises the events: one for each library. `kind` may be null. Returns
 * null if memory is lacking. */
static struct closure *examine(const char *path, const char *kind)
{
	const uint64_t most = rules.mode < MODE_ENFORCE ? INT32_MAX : rules.max_size;
	const struct library_judge judge = {
		digest, judge_library, is_left_out, most, .leaves_symbols = true};
	look_for_denials();
	tell_ends();
	struct closure *closure = collect_closure(path, &judge);
	if (closure == NULL)
		return NULL;
	bool is_refused = false;
	for (size_t i = 0; i < closure->count; i++) {
		const struct judgement *judgement = closure->libraries[i].note;
		if (judgement == NULL)
			continue;
		tell_judgement(judgement, kind);
		is_refused = is_refused || verdict_of(&judgement->finding, true) == REFUSE;
	}
	if (!is_refused && *closure->objection != '\0' && closure->error == 0)
		tell_objection(closure, kind);
	return closure;
}

/* The closure that this thread prepared last, until dlopen() takes it. */
static _Thread_local struct closure *prepared;

static void release_prepared(void)
{
	if (prepared != NULL)
		release_closure(prepared);
	prepared = NULL;
}

int prepare_library(const char *path)
{
	release_prepared();
	struct closure *closure = examine(path, NULL);
	if (closure == NULL)
		return refuse("Cannot load '%s': there is no memory for it (ERR_LIMIT)", path);
	if (*closure->objection == '\0' || rules.mode < MODE_ENFORCE) {
		prepared = closure;
		return 0;
	}
	errno = closure->error;
	if (errno != 0)
		PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	else
		refuse("%s", closure->objection);
	release_closure(closure);
	return -1;
}

const char *objection_to_name(const char *name, bool is_searched)
{
	if (rules.refuses_extensions)
		return "the policy says python.extensions: refuse";
	if (strchr(name, '$') != NULL)
		return "its path has a $, which the system's loader replaces";
	if (is_searched && rules.mode == MODE_STRICT)
		return "it names no file";
	return NULL;
}

__attribute__((format(printf, 1, 2))) static void exit_if_refusals_do(const char *format, ...)
{
	if (!rules.exit_on_refusal)
		return;
	va_list values;
	va_start(values, format);
	finish_events();
	complain(REFUSED, program.name, format, values);
}

/* Makes dlerror(3) tell the objection, or ends the process. */
static void *refuse_load(const char *objection)
{
	exit_if_refusals_do("%s", objection);
	return fail_to_load(objection);
}

static void tell_name(const char *name, enum verdict verdict, const char *objection)
{
	raise_event("module.dlopen", verdict, "path", name, "kind", "library", "rule",
		objection == NULL ? "system" : "name", "reason",
		objection == NULL ? NULL : "ERR_RUNTIME_RULE", "detail", objection, NULL);
}

static void *refuse_name(const char *name, const char *objection)
{
	char text[PATH_MAX + 128];
	snprintf(text, sizeof text, "Cannot load '%s': %s (ERR_RUNTIME_RULE)", name, objection);
	tell_name(name, REFUSE, objection);
	return refuse_load(text);
}

static const char NO_MEMORY[] = "there is no memory for it (ERR_LIMIT)";
static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Loads what was judged, or the file itself in audit mode. */
static void *load(struct closure *closure, int mode)
{
	void *handle;
	if (rules.mode < MODE_ENFORCE) {
		handle = real_dlopen(closure->file, mode);
	} else if (*closure->objection != '\0') {
		handle = refuse_load(closure->objection);
	} else {
		/* The constructors of a library may call dlopen() again. */
		pthread_mutex_lock(&mutex);
		handle = load_closure(closure, mode);
		pthread_mutex_unlock(&mutex);
	}
	return handle;
}

/* Loads a closure, which is released. If the program made threads since it was collected, even by a
 * constructor of a library, the files are judged and copied anew. */
static void *load_and_release(struct closure *closure, int mode)
{
	void *handle = load(closure, mode);
	if (closure->is_lost) {
		struct closure *again = examine(closure->file, "library");
		handle = again == NULL ? refuse_load(NO_MEMORY) : load(again, mode);
		if (again != NULL)
			release_closure(again);
	}
	release_closure(closure);
	return handle;
}

/* Judges and loads a file for native code. A library of the system is loaded as it is, unless the
 * mode is strict. */
static void *load_file(const char *file, int mode)
{
	char real[PATH_MAX];
	const bool may_be_system = rules.mode < MODE_STRICT && realpath(file, real) != NULL &&
		find_entry(real).product == NULL;
	if (may_be_system && is_of_system(real)) {
		tell_name(file, ALLOW, NULL);
		return real_dlopen(real, mode);
	}
	struct closure *closure = examine(file, "library");
	if (closure == NULL)
		return refuse_load(NO_MEMORY);
	return load_and_release(closure, mode);
}

/* Loads a library that the system's loader searches. */
static void *load_name(const char *name, int mode)
{
	const char *objection = objection_to_name(name, true);
	if (objection != NULL && rules.mode >= MODE_ENFORCE)
		return refuse_name(name, objection);
	tell_name(name, ALLOW, NULL);
	return real_dlopen(name, mode);
}

static void *judge_and_load(const char *file, int mode, const void *caller)
{
	char found[PATH_MAX];
	const bool is_searched = strchr(file, '/') == NULL;
	if (is_searched && find_for_caller(file, caller, found))
		file = found;
	else if (is_searched)
		return load_name(file, mode);
	const char *objection = objection_to_name(file, false);
	if (objection != NULL && rules.mode >= MODE_ENFORCE)
		return refuse_name(file, objection);
	return load_file(file, mode);
}

static bool is_guarding;

__attribute__((visibility("default"))) void *dlopen(const char *file, int mode)
{
	if (!is_guarding || file == NULL || *file == '\0' || (mode & RTLD_NOLOAD) != 0)
		return real_dlopen(file, mode);
	struct closure *closure = prepared;
	if (closure != NULL && strcmp(closure->file, file) == 0) {
		prepared = NULL;
		return load_and_release(closure, mode);
	}
	void *loaded = real_dlopen(file, mode | RTLD_NOLOAD);
	if (loaded != NULL)
		return loaded;
	return judge_and_load(file, mode, __builtin_return_address(0));
}

/* Takes the place of dlmopen(3). In a namespace of its own a library has a libc of its own. */
__attribute__((visibility("default"))) void *dlmopen(Lmid_t space, const char *file, int mode)
{
	if (space == LM_ID_BASE)
		return dlopen(file, mode);
	if (is_guarding && rules.mode >= MODE_ENFORCE)
		return refuse_name(file, "it would be loaded into a namespace of its own (dlmopen)");
	if (is_guarding)
		tell_name(file, AUDIT, "it is loaded into a namespace of its own (dlmopen)");
	void *(*real)(Lmid_t, const char *, int) =
		(void *(*)(Lmid_t, const char *, int))real_dlsym()(RTLD_NEXT, "dlmopen");
	return real(space, file, mode);
}

static void *find_own(void *library, const char *name)
{
	(void)library;
	return strcmp(name, "dlopen") == 0 ? (void *)dlopen : (void *)dlmopen;
}

/* Whoever looks up dlopen() gets that of this file, also in libc itself and by RTLD_NEXT.
 * AddressSanitizer calls this before it is set up. */
__attribute__((no_sanitize("address", "undefined"))) look_up *judge_lookup(
	void *library, const char *name, const void *caller)
{
	(void)library;
	(void)caller;
	const bool is_own =
		is_guarding && (strcmp(name, "dlopen") == 0 || strcmp(name, "dlmopen") == 0);
	return is_own ? find_own : real_dlsym();
}

/* Only the thread that forks goes on in the child, and without the thread apart. */
static void begin_child(void)
{
	mutex = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	prepared = NULL;
}

void guard_libraries(void)
{
	if (pthread_atfork(NULL, NULL, begin_child) != 0)
		fail(UNDECIDED, "ERR_START", "Cannot start: there is no memory");
	is_guarding = true;
}
