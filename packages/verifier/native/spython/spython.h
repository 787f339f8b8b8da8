/* What the files of spython share. All that is decided before Python starts is constant afterwards, so that threads and
 * subinterpreters read it without locks; nothing here holds Python objects. */
#ifndef SPYTHON_H
#define SPYTHON_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum mode { MODE_OFF, MODE_AUDIT, MODE_ENFORCE, MODE_STRICT };
/* `AUDIT`: it goes on, and under enforcement would have been refused. */
enum verdict { ALLOW, AUDIT, REFUSE };
enum { USAGE = 2, REFUSED = 126, SHA256_BYTES = 32, SHA256_HEX = 64 };
enum kernel_check { KERNEL_LOG, KERNEL_REQUIRE, KERNEL_OFF };
enum children { CHILDREN_REFUSE, CHILDREN_AUDIT, CHILDREN_ALLOW };

/* json.c: values lie one behind the other, an object's as a string and its value each; `next` is the one behind all of it. */
struct json {
	enum { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } kind;
	const char *text; /* of a string: UTF-8, ends with a NUL */
	uint64_t number;
	const struct json *next;
};
const struct json *parse_json(char *text, size_t length);
const struct json *json_member(const struct json *object, const char *name);
int json_has_only(const struct json *value, const char *names);
int json_choice(const struct json *value, const char *const *names);
size_t utf8_length(const char *text);
/* Of an array, or of null. */
#define EACH(value, array) \
	for (const struct json *value = (array) == NULL ? NULL : (array) + 1; (array) != NULL && value < (array)->next; value = value->next)

/* What the host, the index and the command line say, put together. */
struct rules {
	enum mode mode;
	enum kernel_check kernel_check;
	enum children children;
	uint64_t max_size;
	int exit_on_refusal, development, launched, audit_hooks, extensions, xattr_ima, xattr_spython;
	const struct json *events; /* names of CPython's own that become events of ours */
};
extern struct rules rules;
extern const char *const MODES[];

/* host.c: the host configuration. Lists are arrays, or null. */
struct host {
	const char *file, *index, *policy, *json_lines;
	const struct json *pins, *products, *deny, *policy_products;
	int mode, exit_on_refusal, standard_error, syslog; /* mode: -1 where it names none */
};
extern struct host host;
void read_host(const char *file, const char *json_lines);
char *read_owned(const char *path, size_t max_bytes, size_t *length);
const char *denied(const char *kind, const char *hex);
int is_pinned(const char *hex);
const struct json *bound_product(const char *name);
void read_policy(const struct json *policy, int asked);

/* index.c: what may run. */
struct entry {
	const char *product, *name; /* `name`: behind the product's root, in the path that was asked for; null outside of all */
	const uint8_t *digest;      /* of a file; null where it is none */
	const char *target;         /* of a link */
	size_t target_length;
};
void load_index(const char *file, int descriptor, int mode_asked);
void announce_index(const char *missing);
void find_entry(const char *path, struct entry *entry);
int is_index_expired(void);
void sha256(const void *data, size_t length, uint8_t digest[SHA256_BYTES]);
void to_hex(const uint8_t *bytes, size_t count, char *hex);

/* events.c: text and its value in turn, up to a null; what has a null value is left out, and `#name` has a number. */
void open_sinks(void);
void raise_event(const char *event, enum verdict verdict, ...) __attribute__((sentinel));
/* Ends the process with one line on standard error; with a code it is an event, too. */
_Noreturn void fail(int status, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));
#endif
