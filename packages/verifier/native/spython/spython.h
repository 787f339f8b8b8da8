/* What the files of spython share. What is decided before Python starts is constant afterwards, so
 * that threads and subinterpreters read it without locks; nothing here holds Python objects. */
#ifndef SPYTHON_H
#define SPYTHON_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "../event-line.h"
#include "../hex.h"
#include "../members.h"
#include "../mode.h"

enum { USAGE = 2, REFUSED = 126, ALL_SEALS = 15 /* F_SEAL_SEAL, _SHRINK, _GROW, _WRITE */ };
enum { KERNEL_LOG, KERNEL_REQUIRE, KERNEL_OFF };
enum { CHILDREN_REFUSE, CHILDREN_AUDIT, CHILDREN_ALLOW };

/* main.c: what a main() does. */
int run_spython(int count, char **words, char **variables);

/* host.c: what host configuration, policy and command line say, put together. Of lists and paths
 * those absent are null. */
struct rules {
	int mode, kernel_check, children, exit_on_refusal, development, launched, audit_hooks,
		refuses_extensions, xattr_ima, xattr_spython;
	int host_mode /* -1: it names none */, standard_error /* 0 refusals, 1 nothing, 2 all */,
		syslog;
	uint64_t max_size;
	const char *host_file, *index, *policy, *json_lines;
	const struct json *pins, *products, *deny, *policy_products, *events;
};
extern struct rules rules;
#define IS_EMPTY(array) ((array) == NULL || (array)->next == (array) + 1)
const struct json *keep_json(char *text, size_t length);
void read_host(const char *file);
void read_policy(const struct json *policy, int asked);
const struct json *find_by(const struct json *list, const char *member, const char *text);
const char *denied(const char *kind, const char *hex);

/* index.c: what may run. */
struct entry {
	const char *product,
		*name; /* `name`: behind the product's root, in the path asked for; null outside of all */
	const uint8_t *digest; /* null where it is no file */
	const char *target; /* null where it is no link; has no NUL */
	size_t target_length;
};
void load_index(const char *file, int descriptor, int mode_asked);
void announce(const char *missing);
struct entry find_entry(const char *path);
int is_index_expired(void);

/* open-code.c. `open_verified`: the event, then the bytes that were digested, or null with the
 * exception; `real` is where they lie. Without `use` it is native code, of which no bytes come
 * back. `refuse`: after the event; always -1. */
PyObject *open_code(PyObject *path, void *unused);
PyObject *open_verified(const char *path, const char *event, const char *use, char real[PATH_MAX]);
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* audit.c */
void prepare_audit(void);
int on_audit(const char *event, PyObject *arguments, void *unused);

/* events.c. `fail` ends the process with a line on standard error; with a code that is an event,
 * too. */
void open_sinks(void);
void raise_event(const char *event, enum verdict verdict, ...) __attribute__((sentinel));
_Noreturn void fail(int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#endif
