/* The host configuration, and the policy: whom this machine trusts, and what signed code may do. docs/verifier.md. Files
 * that decide belong to root and only root can have written them; in development, to the user as well. */
#define _GNU_SOURCE
#include "spython.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONFIGURATION = 1 << 20, MAX_POLICY = 1 << 16 };
#ifndef SPYTHON_PINS
#define SPYTHON_PINS ""
#endif

struct host host = {.mode = -1, .standard_error = 1};
struct rules rules;
const char *const MODES[] = {"off", "audit", "enforce", "strict", NULL};

static void require_owner(const char *path, const struct stat *entry) {
	int owned = entry->st_uid == 0 || (rules.development && entry->st_uid == geteuid());
	int sticky = S_ISDIR(entry->st_mode) && (entry->st_mode & S_ISVTX);
	if (!owned) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": it belongs to user %u, not to root", path, entry->st_uid);
	if ((entry->st_mode & 022) && !sticky)
		fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": others can write to it; run `chmod go-w` on it", path);
}

/* The content of a file that is reached without links; null where there is none. */
char *read_owned(const char *path, size_t max_bytes, size_t *length) {
	char link[32], real[PATH_MAX];
	struct stat entry;
	int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (descriptor < 0) return NULL;
	snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
	ssize_t count = readlink(link, real, sizeof real - 1);
	if (count <= 0 || fstat(descriptor, &entry) != 0) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": %m", path);
	real[count] = 0;
	if (strcmp(real, path) != 0 && !rules.development)
		fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": a link leads to it; name \"%s\" instead", path, real);
	if (!S_ISREG(entry.st_mode) || (size_t)entry.st_size > max_bytes)
		fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": it is no regular file of at most %zu bytes", path, max_bytes);
	require_owner(path, &entry);
	for (char *slash; (slash = strrchr(real, '/')) != NULL && real[1] != 0;) {
		slash[slash == real] = 0;
		if (lstat(real, &entry) != 0) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": %m", path);
		require_owner(real, &entry);
	}
	char *text = calloc(1, max_bytes + 1);
	count = text == NULL ? -1 : read(descriptor, text, max_bytes);
	if (count < 0) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": %m", path);
	close(descriptor);
	*length = (size_t)count;
	return text;
}

static const struct json *read_document(const char *path, size_t max_bytes) {
	size_t length;
	char *text = read_owned(path, max_bytes, &length);
	if (text == NULL) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": %m", path);
	const struct json *document = parse_json(text, length);
	if (document == NULL) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": it is not JSON, or too deep", path);
	return document;
}

static _Noreturn void refuse(const char *member) {
	fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use host configuration \"%s\": \"%s\" is not as docs/verifier.md has it", host.file, member);
}

static int is_hex(const struct json *value) {
	return value != NULL && value->kind == JSON_STRING && strlen(value->text) == SHA256_HEX && strspn(value->text, "0123456789abcdef") == SHA256_HEX;
}

static const char *path_of(const struct json *object, const char *member) {
	const struct json *value = json_member(object, member);
	if (value == NULL) return NULL;
	if (value->kind != JSON_STRING || value->text[0] != '/') refuse(member);
	return value->text;
}

/* An array of objects, each with these members and none twice. */
static const struct json *list_of(const struct json *document, const char *member, const char *members) {
	const struct json *list = json_member(document, member);
	if (list == NULL) return NULL;
	if (list->kind != JSON_ARRAY) refuse(member);
	EACH(each, list)
		if (!json_has_only(each, members)) refuse(member);
	return list;
}

static void check_lists(void) {
	EACH(pin, host.pins)
		if (!is_hex(json_member(pin, "spki-sha256"))) refuse("pins");
	EACH(denial, host.deny) {
		const struct json *reason = json_member(denial, "reason");
		int kind = reason == denial + 2 ? 3 : 1; /* exactly one beside the reason */
		if (reason == NULL || reason->kind != JSON_STRING || denial->next != denial + 5 || !is_hex(denial + kind + 1)) refuse("deny");
	}
	EACH(product, host.products) {
		const struct json *name = json_member(product, "name"), *sequence = json_member(product, "minimumSequence");
		if (name == NULL || name->kind != JSON_STRING || (sequence != NULL && sequence->kind != JSON_NUMBER)) refuse("products");
		path_of(product, "root");
		if (bound_product(name->text) != product) refuse("products"); /* twice */
	}
}

/* `file`: null for the usual one, which may be absent. `json_lines`: by the launcher's word, in place of what it says. */
void read_host(const char *file, const char *json_lines) {
	static const char *const ERRORS[] = {"refusals", "off", "all", NULL}, *const ENDS[] = {"throw", "exit", NULL};
	host.file = file == NULL ? "/etc/sigtool/verifier.json" : file;
	host.json_lines = json_lines;
	if (file == NULL && access(host.file, F_OK) != 0) return open_sinks();
	const struct json *document = read_document(host.file, MAX_CONFIGURATION), *audit = json_member(document, "audit");
	if (!json_has_only(document, "version mode onRefusal pins authorities products deny index policy launcher audit")) refuse("$");
	const struct json *version = json_member(document, "version"), *mode = json_member(document, "mode"), *log = json_member(audit, "syslog");
	if (version == NULL || version->number != 1) refuse("version");
	if (mode != NULL && (host.mode = json_choice(mode, MODES)) < 0) refuse("mode");
	if ((host.exit_on_refusal = json_choice(json_member(document, "onRefusal"), ENDS)) < 0) refuse("onRefusal");
	if (audit != NULL && !json_has_only(audit, "jsonLines stderr syslog")) refuse("audit");
	if (host.json_lines == NULL) host.json_lines = path_of(audit, "jsonLines");
	const int errors = json_choice(json_member(audit, "stderr"), ERRORS);
	if (errors < 0) refuse("stderr");
	host.standard_error = errors == 0 ? 1 : errors == 1 ? 0 : 2;
	if (log != NULL && log->kind != JSON_TRUE && log->kind != JSON_FALSE) refuse("syslog");
	host.syslog = log != NULL && log->kind == JSON_TRUE;
	host.index = path_of(document, "index");
	host.policy = path_of(document, "policy");
	host.pins = list_of(document, "pins", "spki-sha256 name");
	host.products = list_of(document, "products", "name root minimumSequence");
	host.deny = list_of(document, "deny", "file key certificate catalog reason");
	check_lists();
	open_sinks();
}

/* The reason why the deny list names it; null where it does not. */
const char *denied(const char *kind, const char *hex) {
	EACH(denial, host.deny) {
		const struct json *value = json_member(denial, kind);
		if (value != NULL && strcmp(value->text, hex) == 0) return json_member(denial, "reason")->text;
	}
	return NULL;
}

/* Compiled in, or by the host configuration. */
int is_pinned(const char *hex) {
	if (strstr(SPYTHON_PINS, hex) != NULL) return 1;
	EACH(pin, host.pins)
		if (strcmp(json_member(pin, "spki-sha256")->text, hex) == 0) return 1;
	return 0;
}

const struct json *bound_product(const char *name) {
	EACH(each, host.products)
		if (strcmp(json_member(each, "name")->text, name) == 0) return each;
	return NULL;
}

/* Fills in the rules: the host's policy before the index's, and `asked` (-1 for none) only to make the mode stricter. */
void read_policy(const struct json *policy, int asked) {
	static const char *const POLICY_MODES[] = {"enforce", "off", "audit", "strict", NULL}, *const KERNEL[] = {"log", "require", "off", NULL},
		*const CHILDREN[] = {"refuse", "audit", "allow", NULL}, *const HOOKS[] = {"refuse", "allow", NULL},
		*const SOURCES[] = {"off", "ima", NULL}, *const EXTENSIONS[] = {"signed", "refuse", NULL};
	static const int BY_POLICY[] = {MODE_ENFORCE, MODE_OFF, MODE_AUDIT, MODE_STRICT};
	if (host.policy != NULL) policy = read_document(host.policy, MAX_POLICY);
	const struct json *files = json_member(policy, "files"), *runtime = json_member(policy, "runtime"), *python = json_member(policy, "python");
	const struct json *size = json_member(files, "maxSizeBytes"), *events = json_member(python, "events");
	int mode = json_choice(json_member(policy, "mode"), POLICY_MODES), kernel = json_choice(json_member(files, "kernelCheck"), KERNEL);
	int children = json_choice(json_member(runtime, "children"), CHILDREN), hooks = json_choice(json_member(python, "auditHooks"), HOOKS);
	int xattr = json_choice(json_member(python, "xattr"), SOURCES), extensions = json_choice(json_member(python, "extensions"), EXTENSIONS);
	int known = json_has_only(policy, "version mode products launch files runtime python") &&
		(python == NULL || json_has_only(python, "auditHooks xattr events extensions"));
	if (!known || mode < 0 || kernel < 0 || children < 0 || hooks < 0 || xattr < 0 || extensions < 0 || (size != NULL && size->kind != JSON_NUMBER) ||
		(events != NULL && events->kind != JSON_ARRAY))
		fail(REFUSED, "ERR_POLICY", "Cannot use the policy: it is not as docs/policy.md has it");
	mode = host.mode >= 0 ? host.mode : BY_POLICY[mode];
	if (asked >= 0 && asked < mode && !rules.development)
		fail(REFUSED, "ERR_START", "Cannot be in mode %s: the host or the policy says %s", MODES[asked], MODES[mode]);
	rules.mode = asked >= 0 ? (enum mode)asked : (enum mode)mode;
	const int strict = rules.mode == MODE_STRICT;
	rules.kernel_check = strict ? KERNEL_REQUIRE : (enum kernel_check)kernel;
	rules.children = strict ? CHILDREN_REFUSE : (enum children)children;
	rules.audit_hooks = hooks == 1 && !strict;
	rules.extensions = extensions == 0;
	if (rules.xattr_ima && xattr == 0 && rules.mode != MODE_AUDIT) fail(REFUSED, "ERR_POLICY", "Cannot use --xattr ima: the policy says xattr: off");
	rules.xattr_ima |= xattr == 1 && !strict;
	if (rules.xattr_spython && rules.mode != MODE_AUDIT) fail(REFUSED, "ERR_POLICY", "Cannot use --xattr spython: anybody can write that attribute; audit only");
	rules.max_size = size == NULL ? 64 << 20 : size->number;
	rules.events = events;
	rules.exit_on_refusal = host.exit_on_refusal;
	const struct json *products = json_member(policy, "products");
	host.policy_products = products != NULL && products->kind == JSON_ARRAY && products->next > products + 1 ? products : NULL;
}
