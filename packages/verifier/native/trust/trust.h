/* The interfaces between the files that read what a process trusts, and that record what was
 * decided: host configuration, trust index, policy, denials, ends and events. Programs with hooks
 * of different runtimes link these files, so they need nothing of a runtime.
 *
 * Guarantees that all data which decides what may run (`rules`, the trust index) is complete before
 * the program's own code runs and does not change afterwards. So threads read the data without
 * locks. It is never freed. Later, denials (deny-list.c) and the end of the index (term.c) can only
 * add refusals. */
#ifndef SIGTOOL_TRUST_H
#define SIGTOOL_TRUST_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "../shared/settings/constants.h"
#include "../shared/events/event-line.h"
#include "../shared/process/exit-status.h"
#include "../shared/settings/file-rules.h"
#include "../shared/text/hex.h"
#include "../shared/settings/mode.h"
#include "../shared/settings/schema.h"

enum {
	ALL_SEALS = 15, /* F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE */
};

/* The facts in which the programs differ that link these files. Each program defines `program`. */
struct program_facts {
	const char *name; /* begins messages on standard error and lines of the system log */
	const char *version; /* the release of sigtool */
	const char *tier; /* the value of `tier` in the event verifier.start */
	bool
		is_beside_hook; /* another part of the process raises the events of its start and reloads */
	/* The pins that the program was built with, separated by commas, or "". They count on a host
	 * without a configuration. */
	const char *pins;
	/* Parts of messages, which say on such a host that a signer is not among the pins, and that
	 * there are no pins. Each ends with ", and ". Both are "" if the program never has pins. */
	const char *lacks_this_pin;
	const char *lacks_pins;
};
extern const struct program_facts program;

/* state.c */

/* The rules that result from command line, host configuration and policy. An absent list, path or
 * document is null. */
struct rules {
	int mode; /* an enum mode, which read_policy() decides */
	int kernel_check; /* a value of schema.h, such as KERNEL_CHECK_LOG */
	int children; /* a value of schema.h, such as CHILDREN_REFUSE */
	int addons; /* a value of schema.h, such as ADDONS_SIGNED */
	int web_assembly; /* a value of schema.h, such as WEB_ASSEMBLY_SIGNED */
	int string_code; /* a value of schema.h, such as STRING_CODE_AUDIT */
	int python_code; /* a value of schema.h for CPython, such as STRING_CODE_SIGNED */
	int has_module_hooks; /* a program may register hooks of modules */
	int workers; /* a value of schema.h, such as WORKERS_SIGNED */
	int writable_code; /* a value of schema.h, such as WRITABLE_CODE_REFUSE */
	int refuses_expired; /* a running process loads nothing after the end of its index */
	int exit_on_refusal; /* a refusal ends the process instead of raising PermissionError */
	int development; /* development identities and configuration files of this user are trusted */
	int has_host_file; /* the host configuration exists: its pins and authorities alone decide */
	int is_checking; /* the index is judged, and no program runs */
	int launched; /* the launcher started this process, and passes the index */
	int is_verified; /* another process has verified the signature of the index just now */
	int audit_hooks; /* the program may add audit hooks */
	int refuses_extensions; /* the policy refuses native code; modes off and audit only record it */
	int xattr_ima; /* a file without an entry is trusted by its security.ima */
	int xattr_spython; /* audit mode trusts a file without an entry by spython's attribute */
	int host_mode; /* the mode in the host configuration, or -1 if it has none */
	int standard_error; /* a value of schema.h, such as STDERR_REFUSALS */
	int syslog; /* events are sent to syslog too */
	uint64_t max_size; /* the largest file that is loaded, in bytes */
	int demands_root; /* root must own each file that is loaded */
	int refuses_others_write; /* a file that its group or others may write is not loaded */
	const char *host_file; /* the path of the host configuration, set by read_host() */
	const char *index;
	const char *policy;
	const char
		*roots; /* the launcher's lines `PATH TAB REAL_PATH` about roots that links lead to */
	/* The digests of an index that is a file of root, and of its signed part. They are null if the
	 * index is in sealed memory. */
	const char *index_sha256;
	const char *content_sha256;
	const char *json_lines; /* the path of the event file */
	int collects; /* the launcher has started a collector, which alone writes to that file */
	const struct json *pins;
	const struct json *policy_signers; /* null if the policy needs no signature of its own */
	const struct json *policy_minimum; /* the smallest sequence of a signed policy, or null */
	const struct json *authorities;
	const struct json *products;
	const struct json *timestamp_authorities;
	const struct json *deny;
	const struct json *policy_products;
	const struct file_rules *file_rules; /* the policy's rules about files, or null */
	const struct json *web_assembly_sha256; /* digests of modules that count as signed */
	const struct json *string_code_from; /* modules of Python that may make code of any text */
	const struct json *events; /* the names of the events that the audit hook records */
	const struct json *environment; /* names of variables that pass in mode strict */
};
extern struct rules rules;

/* Returns the size from which on events tell it: more than this policy allows, or than one does
 * that says nothing about it. */
static inline uint64_t least_size_to_tell(void)
{
	const uint64_t usual = POLICY[POLICY_FILES_MAX_SIZE_BYTES].otherwise->number;
	return rules.max_size < usual ? rules.max_size : usual;
}

/* Returns true if the rules let the program start no child process. */
static inline bool refuses_children(void)
{
	return rules.children == CHILDREN_REFUSE || rules.children == CHILDREN_EXIT;
}

/* Also true for an absent array, which is NULL. */
#define IS_EMPTY(array) ((array) == NULL || (array)->next == (array) + 1)

/* host.c */

/* Parses `length` bytes of JSON, which a NUL must follow, and never frees text and values. Returns
 * null if `text` is null, if the text is not JSON as json.h reads it, or if memory is lacking. */
const struct json *keep_json(char *text, size_t length);

/* Reads a file that decides what may run. Returns its content, which a NUL follows and which is
 * never freed, and writes its length in bytes to `length`. Ends the process if anybody but root,
 * and in development the user, could have written the file, or if the file is larger than
 * `max_bytes`. */
char *read_trusted(const char *path, size_t max_bytes, size_t *length);

/* Reads the host configuration into `rules`, and opens the sinks for events. Null stands for
 * /etc/sigtool/verifier.json, which may be absent. Ends the process if the file cannot be trusted
 * or has a fault. If rules.is_checking is set, no sink gets an event. */
void read_host(const char *file);

/* Reads the host's policy into `rules` if there is one, else `policy`, which is that of the index,
 * and decides the mode. If the host demands a signed policy, `policy` must be one whose signature
 * was verified, or null. Then nothing else may replace or weaken it. `asked` is the mode on the
 * command line, or -1 if there is none. It may be weaker than the configured mode only in
 * development. Ends the process if the policy has a fault. */
void read_policy(const struct json *policy, int asked);

/* Takes the place of load_index() without an index: only extended attributes vouch for files. Ends
 * the process if the mode is not audit, because anybody who may write a file can write an
 * attribute. */
void use_attributes_alone(int asked);

/* deny-list.c */

/* Returns the reason why this digest is on the deny list, or null if it is not. `kind` is "file",
 * "key", "certificate" or "catalog". `hex` is in lower case. */
const char *denied(const char *kind, const char *hex);

/* How the trust in the index rests on a digest: directly, or only by way of its timestamp. */
enum ground_of { OF_INDEX, OF_TIMESTAMP, OF_NOTHING };

/* Notes that the index is refused if this digest is denied. `kind` must be a literal. Must be
 * called before the program's own code runs. */
void rest_on(enum ground_of of, const char *kind, const char *hex);

/* Refuses the index if this digest is on the deny list. `kind` must be a literal. */
void refuse_denied(const char *kind, const char *hex);

/* Calls `take` with each ground that was noted. */
void each_ground(void (*take)(enum ground_of of, const char *kind, const char *hex));

/* Returns the reason of a denial, since the start, of what the trust in the index rests on, or
 * null. */
const char *denied_index(void);

/* Takes over what the host configuration denies by now, but looks at it only LOOK_SECONDS after the
 * last look. Any thread may call this. */
void look_for_denials(void);

/* Returns true if the deny list names any file. */
bool denies_files(void);

/* Returns how many denials were added since the start. */
unsigned count_of_added_denials(void);

/* term.c */

/* END_OF_TIMESTAMPED is the end of a signer's certificate that a timestamp lets the index outlive.
 */
enum end_of { END_OF_INDEX, END_OF_CERTIFICATE, END_OF_TIMESTAMPED };

/* Notes an end in milliseconds since 1970. Of several the earliest counts. Must be called before
 * the program's own code runs. */
void end_at(enum end_of of, uint64_t not_after);

/* Returns the end that was noted, or UINT64_MAX. */
uint64_t noted_end(enum end_of of);

/* Returns true if only a timestamp lets the index count, because a certificate of its signer has
 * ended. */
bool needs_timestamp(void);

/* Writes a time in UTC with milliseconds, like Node.js, or an empty text if it is 0. Returns the
 * text. */
enum { TIME_ROOM = 32 };
const char *text_of_time(uint64_t milliseconds, char text[TIME_ROOM]);

/* Ends the process if the clock cannot be right, because certificates and the index expire by it.
 */
void require_clock(void);

/* Raises events about what ends soon or has ended: at most one a day for each. */
void tell_ends(void);

/* Returns the code of the refusal of every file, because something has ended and the host wants
 * that, or null. */
const char *refused_by_term(void);

/* index.c: reading the trust index. */

/* Reads the index. Its signature is verified before head, policy and products are read. Before
 * that, a clock that could be right and somebody who may sign are required. `descriptor` is what
 * the launcher passes, or -1 to open `file`. It stays open, and its offset does not change, because
 * the runtime's own hook may read it later. `mode_asked` is passed to read_policy(). Ends the
 * process if the index cannot be trusted. */
void load_index(const char *file, int descriptor, int mode_asked);

/* announce.c */

/* Raises the events of a start: one for each product, then verifier.start. `missing` has the names
 * of the features that this kernel lacks, or is null. `script` is the script, or `-m` and a
 * module. */
void announce(const char *missing, const char *script);

/* entries.c: the entries of the trust index, which says what may run. */

/* The signed facts about a path. `name` points into the path that was passed to find_entry(). All
 * other pointers stay valid until the process ends. */
struct entry {
	const char *product; /* null if the path is in no product */
	const struct json *signers; /* those of the product, or null */
	const char *name; /* the path below the product's root, or null */
	const uint8_t *digest; /* SHA256_BYTES bytes, or null if no regular file is signed there */
	const char *target; /* not NUL-terminated; null if no link is signed there */
	size_t target_length;
};

/* Returns the entry for a real path. It is found by product and path, never by content. */
struct entry find_entry(const char *path);

/* Applies the policy's rules to a file that everything else trusts. `path` is the real path, and
 * `entry` that of find_entry(). Returns false with the reason in `ruling` if they refuse it. Any
 * thread may call this. */
bool is_permitted(const struct entry *entry, const char *path, const uint8_t digest[SHA256_BYTES],
	struct file_ruling *ruling);

/* Returns true if a regular file with this content is signed anywhere in the products that
 * find_entry() knows, at whatever path where the policy's rules permit it. The deny list is not
 * asked. Any thread may call this. The first call makes a table of all contents. */
bool find_content(const uint8_t digest[SHA256_BYTES]);

/* Writes the path of such a file below its product's root, and returns the product's name. Returns
 * NULL if there is none. */
enum { PATH_ROOM = PATH_MAX + 1 };
const char *place_of_content(const uint8_t digest[SHA256_BYTES], char path[PATH_ROOM]);

/* Returns true if a file with this content is signed and a deny rule of the policy refuses it. */
bool find_denied_content(const uint8_t digest[SHA256_BYTES]);

/* Answers whether a file with this content counts. */
typedef bool counts_file(const uint8_t digest[SHA256_BYTES]);

/* Returns true if the index names this SHA-256 as that of a text which Node.js compiles for a
 * signed file that counts and from which it differs. */
bool find_text(const uint8_t digest[SHA256_BYTES], counts_file *counts);

/* Returns true if an earlier sigtool compiled the index, and it has this text without its file.
 * Such a text cannot be judged by the file, so it must not count where files are denied or under
 * rules. */
bool find_text_without_file(const uint8_t digest[SHA256_BYTES]);

/* owner-and-mode.c */

/* Describes a file whose owner or mode the policy refuses. The texts live as long as the struct. */
struct access_fault {
	const char *code; /* ERR_FILE_OWNER or ERR_FILE_WRITABLE */
	const char *mend; /* the way out as text */
	char why[96]; /* the reason as text */
	char detail[40]; /* such as `owner 1000, mode 0664` */
};

/* Returns true if the policy accepts a file with this answer of fstat(2). Otherwise fills in
 * `fault`. Any thread may call this. */
struct stat;
bool accepts_owner_and_mode(const struct stat *status, struct access_fault *fault);

/* events.c: recording what was decided. */

/* Opens rules.json_lines, if it is set. Ends the process if the file cannot be opened for
 * writing. */
void open_sinks(void);

/* Writes one event to every sink. After `verdict` follow pairs of `const char *`, the name of a
 * field and its text, and a null. compose_event() says how they are written. Waits for no sink
 * except standard error. Never fails: an event that the file or syslog does not accept is
 * counted. */
void raise_event(const char *event, enum verdict verdict, ...) __attribute__((sentinel));

/* Does the same for a refusal, of which `ends` tells whether the process ends with a line on
 * standard error. raise_event() assumes so if refusals end the process. */
void raise_refusal(bool ends, const char *event, ...) __attribute__((sentinel));

/* Writes the counts of repeated refusals. Whoever ends the process without exit(3) must call it. */
void finish_events(void);

/* Ends the process with a line on standard error. If `code` is not null, first raises an event with
 * this code. `%m` in the format shows the errno that was set when fail() was called. */
_Noreturn void fail(int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
