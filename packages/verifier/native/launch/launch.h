/* The parts of sigtool-launch, in the order in which main.c uses them. Nothing is allocated: input
 * that exceeds its buffer is refused. A function that fails ends the process by fail(), unless its
 * comment says otherwise. */
#ifndef SIGTOOL_LAUNCH_H
#define SIGTOOL_LAUNCH_H
#include "../shared/hex.h"
#include "../shared/lockdown.h"
#include "../shared/mode.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. */
enum { USAGE = 2, REFUSED = 126 };

enum {
	MAX_DIRECTORIES = 64,
	/* The program and the flags that flags.c puts in front of the script. */
	MAX_FLAGS = 24,
	MAX_INDEX_BYTES = 1 << 28,
	MAX_RECORD_BYTES = 1 << 16,
	/* LD_PRELOAD=/proc/self/fd/, a number and NUL. */
	PRELOAD_BYTES = 64,
};

/* Descriptors at which the runtime finds sealed memory. */
enum { INDEX_DESCRIPTOR = 3, RECORD_DESCRIPTOR = 4 };

/* launcher.conf. Paths are absolute and real, digests are 64 lower-case hexadecimal digits; a key
 * that may be absent is NULL. docs/launcher.md says what each key means. */
struct settings {
	/* Node.js. Where `program` is NULL the others are not used; else `digest`, `node_major`,
	 * `bundle` and `bundle_digest` are there. */
	const char *program;
	const char *digest;
	const char *identity;
	const char *node_major;
	const char *bundle;
	const char *bundle_digest;
	const char *addon;
	const char *addon_digest;
	/* CPython. All are NULL, or none is. */
	const char *python;
	const char *python_digest;
	const char *spython;
	const char *spython_digest;

	const char *index;
	const char *config;
	const char *audit;
	const char *string_code;
	const char *addons;
	const char *workers;
	/* Roots of signed trees. */
	const char *trees[MAX_DIRECTORIES + 1];
	size_t tree_count;
	/* Directories of --write, then those of launcher.conf. */
	const char *writable[MAX_DIRECTORIES + 1];
	size_t writable_count;
	enum mode mode;
	/* Files of the user who runs the launcher are trusted like root's. */
	int development;
};

/* The launcher's own command line. */
struct options {
	/* NULL where the mode of launcher.conf applies. */
	const char *mode_name;
	const char *writable[MAX_DIRECTORIES];
	size_t writable_count;
	bool clears_environment;
	bool allows_development;
	bool wants_python;
	/* The script is the name of a module, as after `python3 -m`. */
	bool is_module;
};

/* The program that the launcher becomes, and the code of ours that it loads first. */
struct runtime {
	bool is_python;
	const char *program;
	const char *program_digest;
	/* The file that was digested at installation, in the form of identity_of(); or NULL. */
	const char *program_identity;
	/* The hook's bundle for Node.js, spython for CPython. */
	const char *hook;
	const char *hook_digest;
	/* NULL for CPython, and where there is none. */
	const char *addon;
	const char *addon_digest;
};

/* Lines of `key value` which tell the hook how it was launched. */
struct record {
	size_t length;
	char text[MAX_RECORD_BYTES];
};

/* refusal.c */

/* From here on refusals are written to the file `settings->audit`, as soon as that is known.
 * `settings` must outlive the process's last call to fail(). */
void report_refusals_of(const struct settings *settings);

/* Ends the process with `status`, after one line on standard error; `format` may use %m. With the
 * status REFUSED an event is written first, synchronously, where there is a file for events. */
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* descriptors.c */

/* Closes each descriptor above 2: one that the caller left open for writing would pass by Landlock.
 * Descriptors 0 to 4 are open afterwards, those that were closed on /dev/null; 3 and 4 are thereby
 * reserved for sealed memory. */
void reserve_descriptors(void);

/* Copies an open file, from its offset to its end and at most MAX_INDEX_BYTES, into memory that
 * nobody can change any more, at `descriptor`. `name` is shown by /proc, `path` by messages. */
void seal_file(int descriptor, const char *name, int file, const char *path);

/* Puts a text without its NUL into such memory. */
void seal_text(int descriptor, const char *name, const char *text);

/* options.c */

/* Reads the launcher's options from argv, which ends with NULL and is without the program's name.
 * Returns the part of argv that begins with the script, which may be NULL. */
char **parse_options(char **argv, struct options *options);

/* settings.c */

/* Returns the mode of that name; another one ends the process. */
enum mode parse_mode(const char *name);

/* Reads launcher.conf beside the launcher. It must belong to root, or with `allow_development` and
 * a line `development allow` to the user. Adds to `settings`, which begin as zeros but for the
 * directories of --write. Afterwards `index` and `config` are there, and the program and the hook
 * of at least one runtime. */
void read_settings(struct settings *settings, int allow_development);

/* Opens a regular file that nobody but root, or in development the user, could have written or
 * replaced; the path must be real. Returns its descriptor. */
int open_trusted(const char *path, int development);

/* Finds the real path of an open file. */
void real_path(int descriptor, char path[PATH_MAX]);

/* runtime.c */

/* Chooses CPython for --python, -m, a script that ends in `.py`, and where launcher.conf names no
 * node; else Node.js. `script` may be NULL. */
void choose_runtime(struct runtime *runtime, const struct settings *settings,
	const struct options *options, const char *script);

/* Opens a file that is trusted like launcher.conf and has this SHA-256. Returns its descriptor. The
 * digest is not computed where `identity` is not NULL and is the file's: device, inode, size and
 * both times are those of the file that was digested at installation. */
int open_pinned(const char *path, const char *digest, const char *identity, int development);

/* Writes the environment variable by which the dynamic loader loads spython by its descriptor. A
 * debugger looks that name up among its own descriptors, so the number is one that few have: 900
 * or more, where that many may be open. */
void name_preload(int spython, char variable[PRELOAD_BYTES]);

/* record.c */

/* Adds a line. A value with a line break, which could forge a line, ends the process. */
void add_line(struct record *record, const char *key, const char *value);

/* script.c */

/* Finds the script, which must be a regular file, or takes the name of a module. `path` becomes the
 * argument for the runtime; the record names the script by its real path. `name` may be NULL. */
void find_script(const char *name, const struct options *options, const struct runtime *runtime,
	char path[PATH_MAX], struct record *record);

/* granted-directories.c */

/* Opens the directories that the process may write below, as O_PATH descriptors in the order of
 * `settings->writable`. Ends the process when one belongs to the kernel, or holds a file that
 * decides what may run: the script, the runtime, its hook, the addon, the index, the host
 * configuration or a signed tree. */
void open_granted_directories(int granted[MAX_DIRECTORIES], const struct settings *settings,
	const struct runtime *runtime, const char *script, struct record *record);

/* flags.c: each appends at most MAX_FLAGS - 1 flags, and returns the end of what it appended. */
char **append_node_flags(
	char **next, const struct settings *settings, const struct runtime *runtime);
char **append_python_flags(
	char **next, const struct settings *settings, const struct options *options);

/* restrictions.c */

/* Returns whether this kernel can filter system calls by restrict_calls() of lockdown.h. */
bool can_filter_calls(void);

/* Takes core dumps, code from a person, and the execution and change of files from the process. A
 * feature that the kernel lacks is recorded and, where something depends on it, named on standard
 * error; in mode strict the latter ends the process. */
void restrict_process(const struct settings *settings, int program, const int *granted,
	bool can_filter, struct record *record);

/* landlock.c */

/* Refuses, from here on, to execute anything but `program`, its dynamic loader and signed trees,
 * and to change anything but what lies below the `granted` directories, /dev/null, and the content
 * of the file of events. Returns the version of Landlock; -1 where the kernel cannot.
 * Before version 3 truncation is not refused. */
int restrict_files(const struct settings *settings, int program, const int *granted);

/* sha256.c */

/* Digests all of an open regular file, wherever its offset is. Returns 0, or -1 with errno when it
 * cannot be read. */
int sha256_file(int descriptor, char hex[SHA256_HEX + 1]);

#endif
