/* The runtime that is started, and the files that are pinned by their digests. */
#ifndef SIGTOOL_LAUNCH_RUNTIME_H
#define SIGTOOL_LAUNCH_RUNTIME_H
#include <stdbool.h>

struct announced;
struct options;
struct settings;

/* The room for `LD_PRELOAD=/proc/self/fd/`, a number and a NUL. */
enum { PRELOAD_BYTES = 64 };

/* The program that the launcher executes, and the code of sigtool that this program loads first. */
struct runtime {
	bool is_python;
	const char *program;
	const char *program_digest;
	const struct announced *announced;
	/* identity_of() of the file that was digested at installation, or NULL. */
	const char *program_identity;
	/* The path of the hook: the bundle for Node.js, or spython for CPython. */
	const char *hook;
	const char *hook_digest;
	/* These are NULL for CPython. For Node.js they are NULL if launcher.conf has no addon. */
	const char *addon;
	const char *addon_digest;
	/* The library that Node.js loads before the program. `gate` is NULL if there is none, or if the
	 * mode only records. */
	const char *gate;
	const char *gate_digest;
	/* The shared library with CPython, which the loader finds in a directory that the program
	 * names. NULL for Node.js, and if the program itself contains CPython. */
	const char *libpython;
	const char *libpython_digest;
};

/* Chooses CPython for --python, -m, a script that ends in `.py`, and if launcher.conf has no
 * `node`. Otherwise it chooses Node.js. `script` may be NULL. */
void choose_runtime(struct runtime *runtime, const struct settings *settings,
	const struct options *options, const char *script);

/* Opens a file that is trusted like launcher.conf and has this SHA-256. Returns its descriptor. */
int open_pinned(const char *path, const char *digest, int development);

/* Opens the runtime's program like open_pinned(). The digest may also be an announced one. It is
 * not computed if the program's identity equals the file's identity_of(), because device, inode,
 * size and both times are then those of the file that was digested at installation. */
int open_program(const struct runtime *runtime, int development);

/* Writes an LD_PRELOAD variable with the path /proc/self/fd/N, by which the dynamic loader opens
 * spython or the gate. A debugger of the runtime looks this path up among the debugger's own
 * descriptors. So N is 900 or above, because a debugger is unlikely to have such a descriptor open.
 * N is smaller only if the limit of open files is too low. */
void name_preload(int library, char variable[PRELOAD_BYTES]);

#endif
