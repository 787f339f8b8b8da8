/* The interfaces between the files of spython.
 *
 * All that decides what may run (`rules`, the trust index, the table of the audit hook) is complete
 * before Python starts and constant afterwards, so that threads and subinterpreters read it without
 * locks. It holds no Python objects and is never freed. */
#ifndef SPYTHON_H
#define SPYTHON_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "../shared/event-line.h"
#include "../shared/hex.h"
#include "../shared/mode.h"
#include "../shared/schema.h"

/* Exit statuses. */
enum {
	USAGE = 2,
	REFUSED = 126,
};

enum {
	ALL_SEALS = 15, /* F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE */
};

/* main.c */

/* Takes the place of the main() of CPython's own program and returns the exit status. `arguments`
 * is argv, with `argument_count` elements and a null behind them. */
int run_spython(int argument_count, char **arguments, char **environment_variables);

/* host.c */

/* The rules that command line, host configuration and policy make together. A list, a path or a
 * document that is absent is null. */
struct rules {
	int mode; /* enum mode; decided by read_policy() */
	int kernel_check; /* KERNEL_CHECK_LOG or another, as in schema.h */
	int children; /* CHILDREN_REFUSE or another */
	int exit_on_refusal; /* a refusal ends the process instead of raising PermissionError */
	int development; /* development identities and the user's own configuration count */
	int launched; /* the launcher started this process; the index is sealed memory */
	int audit_hooks; /* the program may add audit hooks */
	int refuses_extensions; /* native code in files is never loaded */
	int xattr_ima; /* security.ima vouches for a file that has no entry */
	int xattr_spython; /* spython's own extended attribute does; in audit mode only */
	int host_mode; /* the mode in the host configuration; -1 if it names none */
	int standard_error; /* STDERR_REFUSALS or another */
	int syslog; /* events go there, too */
	uint64_t max_size; /* the largest file that is loaded, in bytes */
	const char *host_file; /* the host configuration's path; set by read_host() */
	const char *index;
	const char *policy;
	const char *json_lines; /* the file for events */
	const struct json *pins;
	const struct json *products;
	const struct json *deny;
	const struct json *policy_products;
	const struct json *events; /* names that the audit hook records */
};
extern struct rules rules;

/* True for an array that is absent, too. */
#define IS_EMPTY(array) ((array) == NULL || (array)->next == (array) + 1)

/* Parses `length` bytes of JSON, which must be followed by a NUL, and keeps text and values for
 * good. Returns null if `text` is null, it is not JSON of the kind that json.h reads, or memory is
 * lacking. */
const struct json *keep_json(char *text, size_t length);

/* Reads the host configuration into `rules` and opens the sinks for events. Null is the usual file,
 * which may be absent. Ends the process if it cannot be trusted or is not as it must be. */
void read_host(const char *file);

/* Reads the host's policy into `rules` if it has one, else `policy`, that of the index, and decides
 * the mode. `asked` is the mode on the command line, -1 if there is none; it makes the mode
 * stricter, and weaker only in development. Ends the process if the policy is not as it must be. */
void read_policy(const struct json *policy, int asked);

/* Returns the first object of the list whose member of this name is this text, or null. The list
 * may be null. */
const struct json *find_by(const struct json *list, const char *member, const char *text);

/* Returns the reason why the deny list names this digest, or null if it does not. `kind` is "file",
 * "key", "certificate" or "catalog"; `hex` is in lower case. */
const char *denied(const char *kind, const char *hex);

/* index.c: the trust index, which says what may run. */

/* The signed facts about a path. Every pointer stays valid for good, but for `name`, which
 * points into the path asked for. */
struct entry {
	const char *product; /* null if no product has the path */
	const char *name; /* the path below the product's root; null if no product has it */
	const uint8_t *digest; /* SHA256_BYTES bytes; null if no regular file is signed there */
	const char *target; /* null if no symbolic link is signed there; no NUL ends it */
	size_t target_length;
};

/* Reads the index, verifies its signature before anything else in it, and then reads head, policy
 * and products. `descriptor` is the launcher's sealed memory, which it closes, or -1 to open
 * `file`. `mode_asked` is for read_policy(). Ends the process if the index cannot be trusted. */
void load_index(const char *file, int descriptor, int mode_asked);

/* Raises the events of a start: one for each product, then verifier.start. `missing` names what
 * this kernel lacks, null if nothing. */
void announce(const char *missing);

/* Returns the entry for a real path: by product and path, never by content alone. */
struct entry find_entry(const char *path);

int is_index_expired(void);

/* open-code.c: judging files. */

/* The open-code hook of PEP 578: a new io.BytesIO over the bytes that were judged, or null with an
 * exception. */
PyObject *open_code(PyObject *path, void *unused);

/* Opens and reads `path` once, judges what was read, raises `event`, and returns exactly the bytes
 * that were digested, as a new reference; or null with an exception. `use` goes into the event; it
 * is null for native code, which may be large: then the bytes returned are empty. `real` receives
 * the real path, unless it is null. */
PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX]);

/* Raises PermissionError and returns -1, or ends the process if rules.exit_on_refusal is set. The
 * caller has raised the event before. The format may use what printf(3) and PyErr_Format() share.
 */
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* audit.c: the audit hook. */

/* Fills the table of events that the hook looks at. `rules` must be complete. */
void prepare_audit(void);

/* The audit hook of PEP 578: 0, or -1 with an exception that stops what the event announces. */
int on_audit(const char *event, PyObject *arguments, void *unused);

/* events.c: recording what was decided. */

/* Opens rules.json_lines, if there is one. Ends the process if it cannot be written. */
void open_sinks(void);

/* Writes one event to every sink. The names of details and their texts follow, as pairs of `const
 * char *`, and a null; compose_event() says how they are written. Waits for no sink but standard
 * error, and never fails; what the file or syslog do not take is counted. */
void raise_event(const char *event, enum verdict verdict, ...) __attribute__((sentinel));

/* Ends the process with a line on standard error. A `code` that is not null is an event, too. `%m`
 * in the format is errno as it is on entry. */
_Noreturn void fail(int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
