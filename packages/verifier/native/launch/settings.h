/* launcher.conf, and the files that are trusted like it. */
#ifndef SIGTOOL_LAUNCH_SETTINGS_H
#define SIGTOOL_LAUNCH_SETTINGS_H
#include "record.h"
#include "shared-index.h"
#include "../shared/settings/mode.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_DIRECTORIES = 64,
	MAX_PORTS = 64,
	/* The most digests of announced upgrades of one program. */
	MAX_ANNOUNCED = 8,
};

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
	/* A line `PATH TAB REAL_PATH` for each tree that links lead to, and the length in bytes. */
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

#endif
