/* Takes copies of a library and of all that it is linked to into sealed memory, and loads them from
 * there. The gates of Node.js and of CPython use these files.
 *
 * Guarantees that the loader gets exactly the bytes that were judged: nobody can change a copy, and
 * no other thread can exchange its descriptor. The libraries that a library is linked to are
 * treated alike and loaded first. The loader then takes them by their names, so they need not lie
 * where the copy looks for them. */
#ifndef SIGTOOL_CLOSURE_H
#define SIGTOOL_CLOSURE_H
#include "../shared/text/hex.h"
#include "apart.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_LIBRARIES = 256 };

/* Describes the copy of one file. The descriptor is one of the thread in which it was collected. */
struct library {
	char *path;
	char *real; /* the real path of the file; "" if /proc did not tell it */
	int descriptor;
	dev_t device;
	ino_t inode;
	const uint8_t *bytes;
	size_t size;
	uint8_t digest[SHA256_BYTES];
	void *note; /* memory of the judge, which release_closure() frees; may be NULL */
	bool is_settled; /* the library is loaded, or the ones that it needs are just being loaded */
};

struct closure;

/* Decides what may be loaded. The functions run in the thread apart if there is one, while the
 * thread that called collect_closure() waits. */
struct library_judge {
	/* Digests the `size` bytes of a copy, and then what `file` has behind them, which is not
	 * loaded. Its offset is there. */
	void (*digest)(const void *bytes, size_t size, int file, uint8_t digest[SHA256_BYTES]);
	/* Judges the last library of the closure, which has its digest. `file` is open. Returns true,
	 * or what object() returns. */
	bool (*judge)(struct closure *closure, struct library *library, int file);
	/* Returns true if a library that another is linked to is not judged, because the loader may
	 * take it as it is. `is_beside` is explained in linked-libraries.h. */
	bool (*is_left_out)(const char *path, bool is_beside);
	uint64_t max_size; /* in bytes */
	/* True if symbols for debuggers are not copied, which can be most of a file. */
	bool leaves_symbols;
	/* False if a process with one thread collects without a thread apart, which takes less time
	 * than to make one. The program may make threads before load_closure(), which then finds the
	 * copies lost. */
	bool is_always_apart;
};

/* Collects all that one call of dlopen(3) loads: the library, then those that it is linked to. */
struct closure {
	const struct library_judge *judge;
	char *file;
	size_t count;
	struct library *libraries;
	/* Why a library cannot be copied, or why the judge refuses it. "" if all may be loaded. */
	char objection[2 * PATH_MAX];
	const char *code; /* the error code of an objection that is not the judge's */
	const char *judged; /* the error code of an objection that is the judge's; may be NULL */
	int error; /* errno, if the first file could not be opened, else 0 */
	bool is_unnamed; /* a library was read, and no signature names it; for the gate of Node.js */
	bool has_begun; /* the search for linked libraries */
	bool is_lost; /* the program could have exchanged a descriptor, so the copy was not loaded */
	int thread; /* the number of the thread that has the descriptors */
	bool is_apart; /* that thread is `apart`, else the one that collected */
	struct apart apart;
};

/* Copies and judges the library at the path `file`, and those that it is linked to, until one is
 * refused. Returns NULL if memory is lacking. */
struct closure *collect_closure(const char *file, const struct library_judge *judge);

/* Writes why nothing of the closure is loaded. Returns false. */
bool object(struct closure *closure, const char *path, const char *why);

/* Closes the descriptors, and ends the thread apart. */
void release_closure(struct closure *closure);

/* Returns true if the descriptor still means the copy, and no other thread can change that. */
bool is_safe(const struct closure *closure, const struct library *library);

/* Finds the dynamic section of a copy. Returns false if it has none. */
struct elf_object;
bool read_copy(const struct library *library, struct elf_object *object);

/* load.c */

/* Loads a closure without objection in the mode of dlopen(3). Returns the handle of its first
 * library, or NULL. If `is_lost` is then set, the caller collects a new closure. A content that was
 * loaded before is not loaded again. Libraries stay loaded until the process ends. Only one thread
 * at a time may call this. */
void *load_closure(struct closure *closure, int mode);

/* Calls libc's function, which sees only the bits of the mode that every library may be loaded
 * with. */
void *real_dlopen(const char *file, int mode);

/* Returns libc's dlopen(3), which takes any mode. */
typedef void *plain_dlopen_type(const char *file, int mode);
plain_dlopen_type *plain_dlopen(void);

/* Returns NULL, and makes dlerror(3) tell why a library is refused. */
void *fail_to_load(const char *objection);

/* Returns true if a library that was not loaded by these files has this path. */
bool is_loaded(const char *path);

/* Returns true for a library in a directory where the loader looks by itself, if only root can
 * change it. Such a directory is never granted to a program by --write. */
bool is_of_system(const char *real);

/* caller.c */

/* Finds the file that the loader would choose for a name without a slash in the directories that
 * the library with the address `caller` names (DT_RPATH, DT_RUNPATH). Returns false if there is
 * none. */
bool find_for_caller(const char *name, const void *caller, char path[PATH_MAX]);

#endif
