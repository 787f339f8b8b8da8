/* Takes the place of dlopen(3) for the whole program, and loads only what a signature names.
 *
 * A library is copied into sealed memory, digested there, and loaded from there: nobody can change
 * the copy, and only a thread apart has its descriptor. The libraries that it is linked to are
 * treated alike and loaded first. The loader then takes them by their names (DT_SONAME), so they
 * need not lie where the copy looks for them. */
#define _GNU_SOURCE
#include "../shared/linked-libraries.h"
#include "../shared/owned-file.h"
#include "../shared/sha256.h"
#include "apart.h"
#include "gate.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_LIBRARIES = 256 };

/* Descriptors are those of the thread apart. */
struct library {
	char *path;
	int descriptor;
	const uint8_t *bytes;
	size_t size;
	uint8_t digest[SHA256_BYTES];
};

/* Collects all that one call of dlopen() loads: the library, then those that it is linked to, each
 * before its own. */
struct closure {
	const char *file;
	size_t count;
	struct library libraries[MAX_LIBRARIES];
	/* The libraries of the system that are needed, by their names. */
	size_t system_count;
	const char *system[MAX_LIBRARIES];
	/* Why nothing is loaded, or "". */
	char objection[PATH_MAX + 128];
	bool is_unnamed; /* a library was read, and no signature names it */
};

static bool is_accepted(const char *path, const uint8_t digest[SHA256_BYTES])
{
	return is_part(digest) || (rules.addons != ADDONS_REFUSE && is_named(path, digest));
}

static bool object(struct closure *closure, const char *path, const char *why)
{
	snprintf(closure->objection, sizeof closure->objection, "\"%s\" %s", path, why);
	return false;
}

/* Copies a file into sealed memory. Returns the descriptor, or -1 with errno. */
static int seal(int file, size_t size)
{
	enum { EXECUTABLE = 0x10 /* MFD_EXEC, Linux 6.3 */, SEALS = F_SEAL_SEAL | ALL_SEALS };
	int memory = (int)syscall(
		SYS_memfd_create, "sigtool-library", MFD_CLOEXEC | MFD_ALLOW_SEALING | EXECUTABLE);
	if (memory < 0 && errno == EINVAL)
		memory = (int)syscall(SYS_memfd_create, "sigtool-library", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return -1;
	if (ftruncate(memory, (off_t)size) == 0) {
		uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
		if (bytes != MAP_FAILED) {
			const ssize_t count = read_all(file, bytes, size);
			munmap(bytes, size);
			if (count == (ssize_t)size && fcntl(memory, F_ADD_SEALS, SEALS) == 0)
				return memory;
		}
	}
	const int error = errno;
	close(memory);
	errno = error;
	return -1;
}

/* Adds a sealed copy of a file to the closure. Returns false with an objection. */
static bool add_copy(struct closure *closure, const char *path, int file)
{
	struct stat status;
	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return object(closure, path, "is no regular file");
	if ((uint64_t)status.st_size > rules.max_size)
		return object(closure, path, "is larger than files.maxSizeBytes of the policy");
	if (closure->count == MAX_LIBRARIES)
		return object(closure, path, "is one library too many");
	const size_t size = (size_t)status.st_size;
	const int memory = seal(file, size);
	if (memory < 0)
		return object(closure, path, strerror(errno));
	uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, memory, 0);
	if (bytes == MAP_FAILED)
		return object(closure, path, strerror(errno));
	struct library *library = &closure->libraries[closure->count];
	*library = (struct library){strdup(path), memory, bytes, size, {0}};
	closure->count++;
	return true;
}

/* Maps the file of the addon, although a copy is loaded: an installation keeps the parts that a
 * process maps, and workers load the addon again. */
static void keep_part(int file)
{
	static bool is_kept;
	if (!is_kept && mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED)
		is_kept = true;
}

/* Adds a library that a signature names. Returns false with an objection. */
static bool add_library(struct closure *closure, const char *path)
{
	char real[PATH_MAX];
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0)
		return object(closure, path, strerror(errno));
	const bool is_copied = real_path_of(file, real) && add_copy(closure, path, file);
	if (!is_copied) {
		close(file);
		return *closure->objection != '\0' ? false : object(closure, path, "has no path");
	}
	struct library *library = &closure->libraries[closure->count - 1];
	sha256_bytes(library->bytes, library->size, library->digest);
	if (is_part(library->digest))
		keep_part(file);
	close(file);
	if (is_accepted(real, library->digest))
		return true;
	closure->is_unnamed = true;
	return object(closure, path, "is named by no signature");
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

static bool is_below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 &&
		(path[length] == '/' || directory[length - 1] == '/');
}

/* Returns true for a library in a directory where the loader looks by itself, which only root can
 * write to. A program that runs as root may write to granted directories only. */
static bool is_of_system(const char *real)
{
	static const char *const DIRECTORIES[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64"};
	const char *why;
	bool is_there = false;
	for (size_t i = 0; i < sizeof DIRECTORIES / sizeof *DIRECTORIES; i++)
		is_there = is_there || is_below(real, DIRECTORIES[i]);
	for (size_t i = 0; i < granted_count; i++)
		is_there = is_there && !is_below(real, granted[i]);
	const int file = is_there ? open_owned(real, 0, &why) : -1;
	if (file < 0)
		return false;
	close(file);
	return true;
}

/* Takes a library that another is linked to, unless it is the system's. */
static bool take_linked(const char *path, bool is_beside, void *context)
{
	struct closure *closure = context;
	char real[PATH_MAX];
	if (!is_beside && realpath(path, real) != NULL && find_entry(real).product == NULL &&
		is_of_system(real))
		return true;
	return add_library(closure, path);
}

/* Gives the search the bytes of the sealed copy, if there is one. Otherwise it is a library of the
 * system, which has no libraries but those of the system. */
static bool map_copy(const char *path, struct elf_object *elf, void *context)
{
	struct closure *closure = context;
	*elf = (struct elf_object){0};
	for (size_t i = 0; i < closure->count; i++) {
		const struct library *library = &closure->libraries[i];
		if (strcmp(library->path, path) == 0) {
			elf->bytes = library->bytes;
			elf->size = library->size;
		}
	}
	return true;
}

static bool read_copy(const struct library *library, struct elf_object *elf)
{
	*elf = (struct elf_object){.bytes = library->bytes, .size = library->size};
	return read_header(elf) && read_dynamic_section(elf);
}

/* Returns true if one of the copies has this name (DT_SONAME), by which the loader finds it. */
static bool has_copy(const struct closure *closure, const char *name)
{
	for (size_t i = 0; i < closure->count; i++) {
		struct elf_object elf;
		uint64_t at = 0;
		uint64_t value;
		if (!read_copy(&closure->libraries[i], &elf) || !find_next(&elf, DT_SONAME, &at, &value))
			continue;
		const char *own = string_at(&elf, value);
		if (own != NULL && strcmp(own, name) == 0)
			return true;
	}
	return false;
}

/* Requires that each name that a copy needs is that of another copy, or leaves it to the system.
 * Otherwise the loader would look for the file itself, also in directories that the copy names and
 * that mean something else for it: its `$ORIGIN` is in /proc. */
static void settle_names(struct closure *closure)
{
	for (size_t i = 0; i < closure->count; i++) {
		struct elf_object elf;
		uint64_t at = 0;
		uint64_t value;
		if (!read_copy(&closure->libraries[i], &elf))
			continue;
		while (find_next(&elf, DT_NEEDED, &at, &value)) {
			const char *name = string_at(&elf, value);
			if (name == NULL || has_copy(closure, name))
				continue;
			if (strchr(name, '/') != NULL || closure->system_count == MAX_LIBRARIES) {
				object(closure, closure->libraries[i].path, "is linked to a library by its path");
				return;
			}
			closure->system[closure->system_count++] = name;
		}
	}
}

/* Collects the closure. Runs apart, so that no other thread can exchange a descriptor. */
static void collect(void *argument)
{
	struct closure *closure = argument;
	if (!add_library(closure, closure->file))
		return;
	const struct library_search search = {take_linked, map_copy, NULL, closure};
	if (!search_libraries(closure->file, &search) && *closure->objection == '\0')
		object(closure, closure->file, "is linked to more than can be followed");
	if (*closure->objection == '\0')
		settle_names(closure);
}

static void *(*real_dlopen)(const char *file, int mode);
static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* Makes dlerror() tell why a library is refused. The path cannot exist, because no process has a
 * descriptor of this number. */
static void *fail_to_load(const char *objection)
{
	char path[PATH_MAX + 256];
	snprintf(path, sizeof path, "/proc/self/fd/2147483647/sigtool refuses: %s", objection);
	return real_dlopen(path, RTLD_LAZY);
}

/* A library that was loaded, by the name that the loader knows it by. It is never unloaded, so that
 * name means nothing else. */
struct loaded {
	struct loaded *next;
	uint8_t digest[SHA256_BYTES];
	char name[64];
};
static struct loaded *all_loaded;

static bool is_taken(const char *name)
{
	for (const struct loaded *each = all_loaded; each != NULL; each = each->next) {
		if (strcmp(each->name, name) == 0)
			return true;
	}
	return false;
}

/* Makes a name for a copy by which the loader knows no other library. The kernel gives the number
 * of an ended thread again, so the path may have been that of another copy. It means the same file
 * with more slashes. Returns false if all such names are taken. */
static bool make_name(struct loaded *loaded, int thread, int descriptor)
{
	static const char SLASHES[] = "////////////////";
	for (int count = 1; count < (int)sizeof SLASHES; count++) {
		snprintf(loaded->name, sizeof loaded->name, "/proc/self/task/%d%.*sfd/%d", thread, count,
			SLASHES, descriptor);
		if (!is_taken(loaded->name))
			return true;
	}
	return false;
}

/* Loads a copy, or takes the library with the same content, which is loaded already: native code
 * has state that all threads share. */
static void *load_copy(const struct library *library, int thread, int mode)
{
	for (const struct loaded *each = all_loaded; each != NULL; each = each->next) {
		if (memcmp(each->digest, library->digest, SHA256_BYTES) == 0)
			return real_dlopen(each->name, mode | RTLD_NOLOAD);
	}
	struct loaded *loaded = malloc(sizeof *loaded);
	if (loaded == NULL)
		return fail_to_load("there is no memory for it");
	loaded->next = all_loaded;
	memcpy(loaded->digest, library->digest, SHA256_BYTES);
	void *handle = make_name(loaded, thread, library->descriptor)
		? real_dlopen(loaded->name, mode | RTLD_NODELETE)
		: fail_to_load("its name is taken");
	if (handle == NULL)
		free(loaded);
	else
		all_loaded = loaded;
	return handle;
}

/* Loads the copies, those first that others are linked to, after the libraries of the system.
 * Returns the handle of the first one. */
static void *load_copies(const struct closure *closure, int thread, int mode)
{
	/* This library has no search path of its own, so the loader looks in the system's directories
	 * alone. Later it takes what is loaded. */
	for (size_t i = 0; i < closure->system_count; i++) {
		if (real_dlopen(closure->system[i], RTLD_LAZY) == NULL)
			return NULL;
	}
	for (size_t i = closure->count - 1; i > 0; i--) {
		if (load_copy(&closure->libraries[i], thread, RTLD_LAZY) == NULL)
			return NULL;
	}
	return load_copy(&closure->libraries[0], thread, mode);
}

static void release(struct closure *closure)
{
	for (size_t i = 0; i < closure->count; i++) {
		munmap((void *)closure->libraries[i].bytes, closure->libraries[i].size);
		free(closure->libraries[i].path);
	}
	free(closure);
}

/* Loads a library that is named by a path. Returns NULL if it may not be loaded, with an objection
 * in `finding`. */
static void *load_named(const char *file, int mode, bool is_node)
{
	struct closure *closure = calloc(1, sizeof *closure);
	struct apart apart;
	if (closure == NULL)
		return NULL;
	closure->file = file;
	if (!run_apart(&apart, collect, closure)) {
		release(closure);
		return fail_to_load("there is no memory for it");
	}
	void *handle;
	const struct finding finding = {
		.kind = "library",
		.path = file,
		.digest = closure->count > 0 ? closure->libraries[0].digest : NULL,
		.detail = closure->objection,
	};
	if (*closure->objection == '\0') {
		tell("module.dlopen", ALLOW, &finding, NULL);
		handle = load_copies(closure, apart.thread, mode);
	} else {
		if (is_node && closure->is_unnamed)
			end_intrusion(&finding);
		tell("module.dlopen", REFUSE, &finding, "ERR_UNTRUSTED_CODE");
		handle = fail_to_load(closure->objection);
	}
	end_apart(&apart);
	release(closure);
	return handle;
}

/* Node.js itself only loads addons and what SQLite and OpenSSL load for a program. Native code that
 * is signed may also load libraries of the system by their names, unless the mode is strict. */
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
	if (real_dlopen == NULL)
		real_dlopen = (void *(*)(const char *, int))real_dlsym()(RTLD_NEXT, "dlopen");
	if (!is_gate_closed() || file == NULL || *file == '\0' || (mode & RTLD_NOLOAD) != 0)
		return real_dlopen(file, mode);
	require_index();
	/* The constructors of a library may call dlopen() again. */
	pthread_mutex_lock(&mutex);
	void *handle = load(file, mode, is_node);
	pthread_mutex_unlock(&mutex);
	return handle;
}
