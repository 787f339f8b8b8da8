/* The interfaces of the parts of sigtool-launch. Nothing is allocated: input that exceeds its
 * buffer is refused. A function that fails ends the process by fail(), unless its comment says
 * otherwise. */
#ifndef SIGTOOL_LAUNCH_H
#define SIGTOOL_LAUNCH_H
#include "../shared/event-line.h"
#include "../shared/exit-status.h"
#include "../shared/hex.h"
#include "../shared/lockdown.h"
#include "../shared/mode.h"
#include "../shared/sha256.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	MAX_DIRECTORIES = 64,
	MAX_PORTS = 64,
	/* The most digests of announced upgrades of one program. */
	MAX_ANNOUNCED = 8,
	/* The most elements of argv that precede the script: the program and the flags that
	 * flags.c adds. */
	MAX_FLAGS = 24,
	MAX_INDEX_BYTES = 1 << 28,
	MAX_RECORD_BYTES = 1 << 16,
	/* The room for `LD_PRELOAD=/proc/self/fd/`, a number and a NUL. */
	PRELOAD_BYTES = 64,
};

/* The descriptors of sealed memory that the runtime inherits. */
enum { INDEX_DESCRIPTOR = 3, RECORD_DESCRIPTOR = 4 };

/* The TCP ports and the sockets with a path that the process may use. A list counts only if its
 * `limits_` member is true. Otherwise every port or socket is allowed. */
struct network {
	bool limits_connect;
	bool limits_bind;
	bool limits_sockets;
	uint16_t connect[MAX_PORTS];
	size_t connect_count;
	uint16_t bind[MAX_PORTS];
	size_t bind_count;
	/* Each path is that of a socket, or of a directory with sockets. */
	const char *sockets[MAX_DIRECTORIES + 1];
	size_t socket_count;
};

/* The digests that a program may have after an upgrade. */
struct announced {
	const char *digests[MAX_ANNOUNCED];
	size_t count;
};

/* The content of launcher.conf. Paths are absolute. open_trusted() requires real paths for pinned
 * files. Digests are 64 lower-case hexadecimal digits. The value of an absent key is NULL.
 * docs/reference/launcher.md explains each key. */
/* Digests of the index that processes share, in lower-case hexadecimal. They are empty if nothing
 * is shared. */
struct shared_index {
	char sha256[SHA256_HEX + 1];
	char content[SHA256_HEX + 1]; /* of the part that the signature covers */
};

struct settings {
	/* The members for Node.js. If `program` is NULL, the others are not used. Otherwise `digest`,
	 * `node_major`, `bundle` and `bundle_digest` are not NULL. */
	const char *program;
	const char *digest;
	const char *identity;
	struct announced node_next;
	const char *node_major;
	const char *bundle;
	const char *bundle_digest;
	const char *addon;
	const char *addon_digest;
	const char *gate;
	const char *gate_digest;
	/* The members for CPython. Either all pointers are NULL, or none is but those of the shared
	 * library with the interpreter. */
	const char *python;
	const char *python_digest;
	struct announced python_next;
	const char *spython;
	const char *spython_digest;
	const char *libpython;
	const char *libpython_digest;

	const char *index;
	const char *config;
	const char *audit;
	/* True if a collector writes to `audit`, so that the program cannot. */
	bool collects;
	const char *string_code;
	const char *addons;
	const char *workers;
	/* The root directories of signed trees. */
	const char *trees[MAX_DIRECTORIES + 1];
	size_t tree_count;
	/* The real paths of index and trees, which resolve_places() finds. */
	const char *real_index;
	const char *real_trees[MAX_DIRECTORIES];
	/* A line `PATH TAB REAL_PATH` for each tree that links lead to. Its length in bytes. */
	char roots[MAX_RECORD_BYTES / 2];
	size_t roots_length;
	struct shared_index shared; /* as open_shared() found it */
	/* The directories of --write, then those of launcher.conf. */
	const char *writable[MAX_DIRECTORIES + 1];
	size_t writable_count;
	struct network network;
	/* Variables that pass in mode strict besides the usual ones, ending with NULL. */
	const char *variables[MAX_DIRECTORIES + 1];
	size_t variable_count;
	/* True if CPython may make memory executable that was writable. */
	bool allows_writable_code;
	enum mode mode;
	/* Not 0 if files of the user who runs the launcher are trusted like root's. */
	int development;
};

/* The launcher's own command-line arguments. */
struct options {
	/* NULL if the mode of launcher.conf applies. */
	const char *mode_name;
	const char *writable[MAX_DIRECTORIES];
	size_t writable_count;
	bool clears_environment;
	bool allows_development;
	bool wants_python;
	/* True if the script is the name of a module, as after `python3 -m`. */
	bool is_module;
	/* True if the launcher only prints what this kernel can protect. */
	bool shows_protections;
	/* True if the launcher only prints its options. */
	bool shows_usage;
};

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

/* Lines of `key value` that tell the hook how the launcher was called, and what it decided. */
struct record {
	size_t length;
	char text[MAX_RECORD_BYTES];
};

/* refusal.c */

/* Makes fail() write refusals to the file `settings->audit`, as soon as that member is set.
 * `settings` must stay valid until the process ends. */
void report_refusals_of(const struct settings *settings);

/* Writes one line to standard error and ends the process with `status`. `format` may use %m, which
 * shows errno. With the status UNDECIDED or REFUSED an event is written first, if there is a file
 * for events. */
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns the status for a file or directory on the command line that cannot be opened: UNDECIDED
 * if the fault may pass, else USAGE. One that does not exist was probably misspelt. */
int status_of_argument(int error);

/* events.c */

/* Starts the collector of the file of events, if the settings want it. */
void start_events(const struct settings *settings);

/* Writes an event to the file `audit`, or gives it to the collector. */
__attribute__((sentinel)) void write_to_audit(
	const char *audit, const char *event, enum verdict verdict, ...);

/* stopped-variables.c */

struct passing;

/* Tells which variables do not pass, if any: by an event in the file `audit`, or on standard error
 * if there is no such file. */
void tell_stopped(const struct passing *passing, const char *audit);

/* descriptors.c */

/* Closes each descriptor above 2, because Landlock does not restrict a file that the caller left
 * open for writing. Then opens /dev/null at each of the descriptors 0 to 6 that is closed. So 3 and
 * 4 are reserved for sealed memory, and 5 and 6 for what leads to the collector. */
void reserve_descriptors(void);

/* Closes 5 and 6 again, because there is no collector. */
void release_descriptors(void);

/* Copies an open file, from its offset to its end, into new memory at `descriptor`, and seals the
 * memory so that nobody can change it any more. Refuses more than MAX_INDEX_BYTES bytes. /proc
 * shows the memory as `name`. Messages show `path`. */
void seal_file(int descriptor, const char *name, int file, const char *path);

/* Copies a text without its NUL into sealed memory at `descriptor`. */
void seal_text(int descriptor, const char *name, const char *text);

/* Makes an open file appear at `descriptor`. Nobody may be able to change the file. */
void pass_file(int descriptor, int file);

/* shared-index.c */

/* Writes the path of the file `name` in the directory of shared indexes. An empty name stands for
 * the directory itself. Returns false if the path is too long. */
bool name_shared(char path[PATH_MAX], const char *name);

/* Returns a descriptor of the shared copy of an open index, and sets `shared`. Returns -1, and
 * leaves `shared` as it is, if there is none that can be trusted. */
int open_shared(int index, struct shared_index *shared);

/* options.c */

/* Reads the launcher's options from `argv`, which begins after the program's name and ends with
 * NULL. Returns the part of `argv` that begins with the script. Its first element is NULL if there
 * is no script. */
char **parse_options(char **argv, struct options *options);

/* Prints the options. Returns the exit status. */
int print_usage(void);

/* settings.c */

/* Returns the mode with this name. An unknown name ends the process. */
enum mode parse_mode(const char *name);

/* Reads launcher.conf beside the launcher. The file must belong to root. It may belong to the user
 * if `allow_development` is set and the file has a line `development allow`. Fills in `settings`,
 * which must be zero except for the directories of --write. Afterwards `index` and `config` are
 * set, and the program and the hook of at least one runtime. */
void read_settings(struct settings *settings, int allow_development);

/* Opens a regular file and returns its descriptor. `path` must be a real path. Refuses a file that
 * anybody but root, or in development the user, could have written or replaced. */
int open_trusted(const char *path, int development);

/* Finds the real path of an open file. */
void real_path(int descriptor, char path[PATH_MAX]);

/* runtime.c */

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

/* record.c */

/* Adds a line. A value with a line break ends the process, because it could forge a line. */
void add_line(struct record *record, const char *key, const char *value);

/* Adds a line `root` for each line of `settings->roots`. */
void add_roots(struct record *record, const char *roots);

/* script.c */

/* Finds the script, which must be a regular file, and writes to `path` how the runtime gets it as
 * an argument: as given, or with the links resolved that lead to the signed tree. Links within the
 * tree are left to the hook, which judges them. The record gets the script's real path. With -m
 * `name` names a module: it is not looked up, and the record gets the name itself. A `name` that is
 * NULL ends the process. */
void find_script(const char *name, struct settings *settings, const struct options *options,
	const struct runtime *runtime, char path[PATH_MAX], struct record *record);

/* links.c */

/* A step on the way of a path. */
struct step {
	const char *path; /* the directory, the file or the link; it may be missing */
	const char *rest; /* the components that follow, as far as they are known */
	bool is_link;
	uid_t owner; /* the link's owner; 0 if it is no link */
};

/* Returns false if the rest of the path is not to be resolved. */
typedef bool take_step(const struct step *step, void *context);

/* Finds the real path of a file that may not exist yet, and returns the number of links that were
 * followed. Each link is read only once in the life of this process. `take` is called with each
 * step before a link is followed. If it returns false, `real` is the path of this step and the rest
 * as it was given. */
int resolve_once(const char *path, char real[PATH_MAX], take_step *take, void *context);

/* Finds the real paths of the index and of the signed trees. Ends the process if another user than
 * root, or in development the user, owns a link on the way. */
void resolve_places(struct settings *settings);

/* granted-directories.c */

/* Opens the directories below which the process may write, as O_PATH descriptors in the order of
 * `settings->writable`. Ends the process if a directory belongs to the kernel, or reaches a file
 * that decides what runs: the script, the runtime, its hook, its loader and libraries, the addon,
 * the index, the host configuration, the event file, a signed tree, this launcher or another, or
 * native code that the open `index` names. After them follows the directory of the event file if it
 * holds nothing else, else -1. */
void open_granted_directories(int granted[MAX_DIRECTORIES + 1], int index,
	const struct settings *settings, const struct runtime *runtime, const char *script,
	struct record *record);

/* flags.c */

/* Both functions append at most MAX_FLAGS - 1 flags at `next`. They return the position after the
 * last flag. */
char **append_node_flags(
	char **next, const struct settings *settings, const struct runtime *runtime);
char **append_python_flags(
	char **next, const struct settings *settings, const struct options *options);

/* protections.c */

/* A kernel may lack some of these protections. protections.c has a row for each. */
enum protection {
	LANDLOCK,
	LANDLOCK_TRUNCATE,
	LANDLOCK_NETWORK,
	LANDLOCK_DEVICES,
	LANDLOCK_SCOPES,
	LANDLOCK_LOG,
	LANDLOCK_SOCKETS,
	SECCOMP,
	WRITABLE_CODE,
	SECUREBITS,
	PROTECTION_COUNT,
};

/* Adds a missing protection to the record. If enforcement depends on the protection, its absence is
 * also reported on standard error, and mode strict ends the process instead. */
void lack(enum protection protection, const struct settings *settings, struct record *record);

/* Prints a line for each protection: its name, the first version of Linux that has it, `required`
 * if mode strict refuses to start without it, else `optional`, and `holds` or `missing`, separated
 * by tabs. Some are found only by using them, so the process must end afterwards. Returns 0. */
int print_protections(void);

/* Returns true if this kernel can filter system calls by restrict_calls() of lockdown.h. */
bool can_filter_calls(void);

/* Sets a bit by which the kernel tells interpreters, if they ask for it, to execute no commands
 * that a person types. Returns false if the kernel lacks the bit. */
bool deny_interactive(void);

/* Makes the kernel refuse to make memory executable that was writable, in this process and in the
 * program that it executes. Returns false if the kernel cannot. */
bool deny_writable_code(void);

/* capabilities.c */

/* Drops all capabilities but those whose bits are set. Returns false with errno. */
bool keep_capabilities(uint64_t kept);

/* restrictions.c */

/* Takes from the process the rights that docs/reference/launcher.md lists, except system calls,
 * which restrict_calls() takes later. Reports by lack() what this kernel cannot take. */
void restrict_process(const struct settings *settings, const struct runtime *runtime, int program,
	const int *granted, struct record *record);

/* landlock.c */

/* The versions of Landlock that added a part. */
enum {
	LANDLOCK_WITH_REFER = 2,
	LANDLOCK_WITH_TRUNCATE = 3,
	LANDLOCK_WITH_NETWORK = 4,
	LANDLOCK_WITH_DEVICES = 5,
	LANDLOCK_WITH_SCOPES = 6,
	LANDLOCK_WITH_LOG = 7,
	LANDLOCK_WITH_SOCKETS = 9,
};

/* Returns the version of Landlock, or 0 if the kernel has none. */
int landlock_version(void);

/* Restricts the process by Landlock. Then the process can execute only `program`, its dynamic
 * loader and the files of signed trees. It can change content and names of files only below the
 * `granted` directories, in /dev/null, and in the event file. It can open files that are there, and
 * do nothing else, below the last granted directory, that of the event file. It can reach only the
 * ports and sockets that `settings->network` allows. Returns the version of Landlock, or 0 if the
 * process could not be restricted. */
int restrict_by_landlock(const struct settings *settings, int program, const int *granted);

/* Lets the process write and make files only below an open directory, and execute nothing, as far
 * as the kernel can see to it. Of a directory that is -1 nothing is allowed. */
void restrict_writing_to(int directory);

#endif
