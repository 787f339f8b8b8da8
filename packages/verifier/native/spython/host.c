/* The host configuration, and the policy: whom this machine trusts, and what signed code may do. docs/verifier.md. Files
 * that decide belong to root and only root can have written them; in development, to the user as well. */
#define _GNU_SOURCE
#include "spython.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { MAX_CONFIGURATION = 1 << 20 };
struct rules rules = {.host_mode = -1};
static const char *reading, *code; /* what is read, and the code of its errors */

static _Noreturn void refuse_file(const char *why) { fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": %s", reading, why); }
static _Noreturn void refuse_member(const char *name) { fail(REFUSED, code, "Cannot use \"%s\": \"%s\" is not as it must be", reading, name); }

int parse_mode(const char *name) {
	const int mode = word_index(name, MODES);
	if (mode < 0) fail(USAGE, NULL, "\"%s\" is no mode: off, audit, enforce or strict", name);
	return mode;
}

static void require_owner(const char *path) {
	struct stat entry;
	if (lstat(path, &entry) != 0) refuse_file(strerror(errno));
	if (entry.st_uid != 0 && !(rules.development && entry.st_uid == geteuid())) refuse_file("it, or a directory above it, belongs to another user than root");
	if ((entry.st_mode & 022) && !(S_ISDIR(entry.st_mode) && (entry.st_mode & S_ISVTX))) refuse_file("others can write to it, or to a directory above it; use chmod go-w");
}

/* The document of a file that nobody but its owner could have written, or put in its place. */
static const struct json *read_document(const char *path) {
	char link[32], real[PATH_MAX], *text = calloc(1, MAX_CONFIGURATION + 1);
	struct stat entry;
	const int descriptor = open(reading = path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
	ssize_t length = descriptor < 0 ? -1 : readlink(link, real, sizeof real - 1);
	if (length < 0 || fstat(descriptor, &entry) != 0) refuse_file(strerror(errno));
	real[length] = 0;
	if (strcmp(real, path) != 0 && !rules.development) refuse_file("a link leads to it; name the file itself");
	if (!S_ISREG(entry.st_mode) || entry.st_size > MAX_CONFIGURATION) refuse_file("it is no regular file of at most 1 MiB");
	for (require_owner(real); strcmp(real, "/") != 0; require_owner(real)) real[strrchr(real, '/') == real ? 1 : strrchr(real, '/') - real] = 0;
	length = text == NULL ? -1 : read(descriptor, text, MAX_CONFIGURATION);
	close(descriptor);
	const struct json *document = length < 0 ? NULL : parse_json(text, (size_t)length);
	if (document == NULL) refuse_file("it is not JSON, or not of the kind that is read");
	return document;
}

static const struct json *get(const struct json *object, const char *name, int kind) {
	const struct json *value = json_member(object, name);
	if (value != NULL && (int)value->kind != kind) refuse_member(name);
	return value;
}

static const char *get_path(const struct json *object, const char *name) {
	const struct json *value = get(object, name, JSON_STRING);
	if (value != NULL && *value->text != '/') refuse_member(name);
	return value == NULL ? NULL : value->text;
}

/* Which of the words it is; the first where there is none. */
static int get_choice(const struct json *object, const char *name, const char *words) {
	const struct json *value = get(object, name, JSON_STRING);
	const int choice = value == NULL ? 0 : word_index(value->text, words);
	if (choice < 0) refuse_member(name);
	return choice;
}

/* Of objects with these members, or of strings. */
static const struct json *get_list(const struct json *object, const char *name, const char *members) {
	const struct json *list = get(object, name, JSON_ARRAY);
	EACH(each, list)
		if (members == NULL ? each->kind != JSON_STRING : !json_has_only(each, members)) refuse_member(name);
	return list;
}

static int is_hex(const struct json *value) {
	return value != NULL && value->kind == JSON_STRING && strlen(value->text) == SHA256_HEX && strspn(value->text, "0123456789abcdef") == SHA256_HEX;
}

/* Null for the usual file, which may be absent. */
void read_host(const char *file) {
	rules.host_file = file == NULL ? "/etc/sigtool/verifier.json" : file;
	code = "ERR_HOST_CONFIG";
	if (file == NULL && access(rules.host_file, F_OK) != 0) return open_sinks();
	const struct json *document = read_document(rules.host_file), *audit = get(document, "audit", JSON_OBJECT), *log = json_member(audit, "syslog");
	const struct json *version = get(document, "version", JSON_NUMBER);
	if (!json_has_only(document, "version mode onRefusal pins authorities products deny index policy launcher audit")) refuse_member("$");
	if (version == NULL || version->number != 1) refuse_member("version");
	if ((audit != NULL && !json_has_only(audit, "jsonLines stderr syslog")) || (log != NULL && log->kind != JSON_TRUE && log->kind != JSON_FALSE)) refuse_member("audit");
	const int mode = get_choice(document, "mode", MODES);
	rules.host_mode = json_member(document, "mode") == NULL ? -1 : mode;
	rules.exit_on_refusal = get_choice(document, "onRefusal", "throw exit");
	rules.standard_error = get_choice(audit, "stderr", "refusals off all");
	rules.syslog = log != NULL && log->kind == JSON_TRUE;
	if (rules.json_lines == NULL) rules.json_lines = get_path(audit, "jsonLines");
	rules.index = get_path(document, "index");
	rules.policy = get_path(document, "policy");
	rules.pins = get_list(document, "pins", "spki-sha256 name");
	rules.products = get_list(document, "products", "name root minimumSequence");
	rules.deny = get_list(document, "deny", "file key certificate catalog reason");
	EACH(pin, rules.pins)
		if (!is_hex(json_member(pin, "spki-sha256"))) refuse_member("pins");
	EACH(product, rules.products) {
		const struct json *name = get(product, "name", JSON_STRING);
		get_path(product, "root");
		get(product, "minimumSequence", JSON_NUMBER);
		if (name == NULL || find_by(rules.products, "name", name->text) != product) refuse_member("products"); /* none, or twice */
	}
	EACH(denial, rules.deny) { /* the reason, and one other member */
		const struct json *reason = get(denial, "reason", JSON_STRING);
		if (reason == NULL || denial->next != denial + 5 || !is_hex(reason == denial + 2 ? denial + 4 : denial + 2)) refuse_member("deny");
	}
	open_sinks();
}

/* The object of a list whose member is this text. */
const struct json *find_by(const struct json *list, const char *member, const char *text) {
	EACH(each, list) {
		const struct json *value = json_member(each, member);
		if (value != NULL && value->kind == JSON_STRING && strcmp(value->text, text) == 0) return each;
	}
	return NULL;
}

/* The reason why the deny list names it; null where it does not. */
const char *denied(const char *kind, const char *hex) {
	const struct json *denial = find_by(rules.deny, kind, hex);
	return denial == NULL ? NULL : json_member(denial, "reason")->text;
}

/* The host's policy before the index's; `asked` (-1: nothing) makes the mode stricter, and only in development weaker. */
void read_policy(const struct json *policy, int asked) {
	static const int BY_POLICY[] = {MODE_ENFORCE, MODE_OFF, MODE_AUDIT, MODE_STRICT};
	reading = "policy";
	if (rules.policy != NULL) policy = read_document(rules.policy);
	code = "ERR_POLICY";
	if (!json_has_only(policy, "version mode products launch files runtime python")) refuse_member("$");
	const struct json *files = get(policy, "files", JSON_OBJECT), *python = get(policy, "python", JSON_OBJECT), *size = get(files, "maxSizeBytes", JSON_NUMBER);
	if (python != NULL && !json_has_only(python, "auditHooks xattr events extensions")) refuse_member("python");
	const int own = BY_POLICY[get_choice(policy, "mode", "enforce off audit strict")], set = rules.host_mode < 0 ? own : rules.host_mode;
	if (asked >= 0 && asked < set && !rules.development) fail(REFUSED, "ERR_START", "Cannot be in a weaker mode than the host or the policy says");
	rules.mode = asked >= 0 ? asked : set;
	const int strict = rules.mode == MODE_STRICT, ima = get_choice(python, "xattr", "off ima");
	rules.kernel_check = strict ? KERNEL_REQUIRE : get_choice(files, "kernelCheck", "log require off");
	rules.children = strict ? CHILDREN_REFUSE : get_choice(get(policy, "runtime", JSON_OBJECT), "children", "refuse audit allow");
	rules.audit_hooks = get_choice(python, "auditHooks", "refuse allow") && !strict;
	rules.extensions = get_choice(python, "extensions", "signed refuse") == 0;
	if (rules.mode != MODE_AUDIT && ((rules.xattr_ima && !ima) || rules.xattr_spython)) fail(REFUSED, code, "Cannot use --xattr: the policy does not allow that, or the mode");
	rules.xattr_ima |= ima && !strict;
	rules.max_size = size == NULL ? 64 << 20 : size->number;
	rules.events = get_list(python, "events", NULL);
	rules.policy_products = get_list(policy, "products", NULL);
}
