/* The host configuration, and the policy: whom this machine trusts, and what signed code may do. docs/verifier.md. Files
 * that decide belong to root and only root can have written them; in development, to the user as well. */
#define _GNU_SOURCE
#include "spython.h"
#include "../owned-file.h"
#include <sys/mman.h>
#include <sys/stat.h>

enum { MAX_CONFIGURATION = 1 << 20 };
struct rules rules = {.host_mode = -1, .max_size = 64 << 20};
static uint64_t version;
static int own_mode = MODE_ENFORCE, ima, refuses_extensions;
static const char *json_lines, *reading, *code; /* what is read, and the code of its errors */
static const struct member HOST[] = {
	{"version", "number", &version}, {"mode", MODES, &rules.host_mode}, {"onRefusal", "throw exit", &rules.exit_on_refusal},
	{"index", "path", &rules.index}, {"policy", "path", &rules.policy}, {"authorities", "any", NULL}, {"launcher", "any", NULL},
	{"pins", "list", &rules.pins}, {"pins.spki-sha256", "digest", NULL}, {"pins.name", "text", NULL},
	{"products", "list", &rules.products}, {"products.name", "text", NULL}, {"products.root", "path", NULL}, {"products.minimumSequence", "number", NULL},
	{"deny", "list", &rules.deny}, {"deny.file", "digest", NULL}, {"deny.key", "digest", NULL}, {"deny.certificate", "digest", NULL},
	{"deny.catalog", "digest", NULL}, {"deny.reason", "text", NULL}, {"audit", "object", NULL}, {"audit.jsonLines", "path", &json_lines},
	{"audit.stderr", "refusals off all", &rules.standard_error}, {"audit.syslog", "switch", &rules.syslog}, {0}};
static const struct member POLICY[] = {
	{"version", "number", &version}, {"mode", MODES, &own_mode}, {"products", "texts", &rules.policy_products}, {"launch", "any", NULL},
	{"files", "object", NULL}, {"files.maxSizeBytes", "number", &rules.max_size}, {"files.kernelCheck", "log require off", &rules.kernel_check},
	{"runtime", "object", NULL}, {"runtime.children", "refuse audit allow", &rules.children}, {"runtime.addons", "any", NULL},
	{"runtime.webAssembly", "any", NULL}, {"runtime.webAssemblySha256", "any", NULL}, {"runtime.stringCode", "any", NULL}, {"runtime.workers", "any", NULL},
	{"python", "object", NULL}, {"python.auditHooks", "refuse allow", &rules.audit_hooks}, {"python.xattr", "off ima", &ima},
	{"python.events", "texts", &rules.events}, {"python.extensions", "signed refuse", &refuses_extensions}, {0}};

static _Noreturn void refuse_member(const char *name) { fail(REFUSED, code, "Cannot use \"%s\": \"%s\" is not as it must be", reading, name); }

/* Where a word stands among others, which a space parts; -1 where it does not. */
int word_index(const char *word, const char *words) {
	const size_t length = strlen(word);
	for (int i = 0; *words != 0; i++, words += *words == ' ') {
		const size_t next = strcspn(words, " ");
		if (next == length && memcmp(words, word, length) == 0) return i;
		words += next;
	}
	return -1;
}

int parse_mode(const char *name) {
	const int mode = word_index(name, MODES);
	if (mode < 0) fail(USAGE, NULL, "\"%s\" is no mode: off, audit, enforce or strict", name);
	return mode;
}

/* A regular file, in memory of its own and with a NUL behind it; null where it is another, or changes meanwhile. */
uint8_t *read_whole(int descriptor, size_t limit, size_t *length) {
	struct stat s;
	ssize_t got = 1;
	if (fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode) || (size_t)s.st_size > limit) return NULL;
	*length = (size_t)s.st_size;
	uint8_t *memory = mmap(NULL, *length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	for (size_t filled = 0; memory != MAP_FAILED && filled < *length && got > 0; filled += (size_t)got)
		got = pread(descriptor, memory + filled, *length - filled, (off_t)filled);
	close(descriptor);
	return memory == MAP_FAILED || got <= 0 ? NULL : memory;
}

/* `name` and `error` are what messages go by. The document is kept. */
const struct json *read_json(const char *name, const char *error, char *text, size_t length) {
	const size_t room = length / 2 + 2;
	struct json *values = malloc(room * sizeof *values);
	const struct json *document = values == NULL || text == NULL ? NULL : parse_json(text, length, values, room);
	reading = name;
	code = error;
	if (document == NULL) fail(REFUSED, code, "Cannot use \"%s\": it is not JSON, or not of the kind that is read", name);
	return document;
}

static const struct json *read_document(const char *path, const char *error) {
	const char *why;
	size_t length;
	const int file = open_owned(path, rules.development ? TRUST_STICKY | TRUST_USER | TRUST_LINKS : TRUST_STICKY, &why);
	if (file < 0) fail(REFUSED, "ERR_HOST_CONFIG", "%s", why);
	uint8_t *text = read_whole(file, MAX_CONFIGURATION, &length);
	if (text == NULL) fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": it is no file of at most 1 MiB", path);
	return read_json(path, error, (char *)text, length);
}

static int is_hex(const char *text) { return strlen(text) == SHA256_HEX && strspn(text, "0123456789abcdef") == SHA256_HEX; }

/* Whether the value is what the member is to be, and then in its place. */
static int take(const struct member *member, const struct json *value) {
	enum { CHOICE = -1, ANY, SWITCH, NUMBER, TEXT, PATH, DIGEST, TEXTS, LIST, OBJECT };
	static const int KINDS[] = {0, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_STRING, JSON_STRING, JSON_ARRAY, JSON_ARRAY, JSON_OBJECT};
	const int is = word_index(member->is, "any switch number text path digest texts list object");
	const int kind = value->kind == JSON_FALSE ? JSON_TRUE : (int)value->kind;
	const int choice = is == SWITCH ? value->kind == JSON_TRUE : kind == JSON_STRING ? word_index(value->text, member->is) : -1;
	if (is == CHOICE ? choice < 0 : is != ANY && kind != KINDS[is]) return 0;
	if ((is == PATH && *value->text != '/') || (is == DIGEST && !is_hex(value->text))) return 0;
	EACH(each, value)
		if (is == TEXTS && each->kind != JSON_STRING) return 0;
	if (member->place == NULL) return 1;
	if (is == CHOICE || is == SWITCH) *(int *)member->place = choice;
	else if (is == NUMBER) *(uint64_t *)member->place = value->number;
	else if (kind == JSON_STRING) *(const char **)member->place = value->text;
	else *(const struct json **)member->place = value;
	return 1;
}

/* All that an object has must be among the members, none twice, and what it is to be. `of`: in front of their names. */
void read_members(const struct json *object, const char *of, const struct member *members) {
	uint64_t seen = 0;
	if (object == NULL || object->kind != JSON_OBJECT) refuse_member(of);
	for (const struct json *key = object + 1; key < object->next; key = key[1].next) {
		const struct member *member = members;
		char name[64];
		snprintf(name, sizeof name, "%s%s%s", of, *of == 0 ? "" : ".", key->text);
		while (member->name != NULL && strcmp(member->name, name) != 0) member++;
		const uint64_t bit = (uint64_t)1 << (member - members);
		if (member->name == NULL || (seen & bit) != 0 || strchr(key->text, '.') != NULL || !take(member, key + 1)) refuse_member(name);
		seen |= bit;
		if (strcmp(member->is, "object") == 0) read_members(key + 1, name, members);
		EACH(each, key + 1)
			if (strcmp(member->is, "list") == 0) read_members(each, name, members);
	}
}

/* Null for the usual file, which may be absent. */
void read_host(const char *file) {
	rules.host_file = file == NULL ? "/etc/sigtool/verifier.json" : file;
	if (file == NULL && access(rules.host_file, F_OK) != 0) return open_sinks();
	read_members(read_document(rules.host_file, "ERR_HOST_CONFIG"), "", HOST);
	if (version != 1) refuse_member("version");
	if (rules.json_lines == NULL) rules.json_lines = json_lines;
	EACH(pin, rules.pins)
		if (json_member(pin, "spki-sha256") == NULL) refuse_member("pins");
	EACH(product, rules.products) {
		const struct json *name = json_member(product, "name");
		if (name == NULL || find_by(rules.products, "name", name->text) != product) refuse_member("products"); /* none, or twice */
	}
	EACH(denial, rules.deny) /* the reason, and one other member */
		if (json_member(denial, "reason") == NULL || denial->next != denial + 5) refuse_member("deny");
	open_sinks();
}

/* The object of a list whose member is this text. */
const struct json *find_by(const struct json *list, const char *member, const char *text) {
	EACH(each, list) {
		const struct json *value = json_member(each, member);
		if (value != NULL && strcmp(value->text, text) == 0) return each;
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
	reading = "policy";
	code = "ERR_POLICY";
	read_members(rules.policy == NULL ? policy : read_document(rules.policy, code), "", POLICY);
	const int set = rules.host_mode < 0 ? own_mode : rules.host_mode;
	if (asked >= 0 && asked < set && !rules.development) fail(REFUSED, "ERR_START", "Cannot be in a weaker mode than the host or the policy says");
	rules.mode = asked >= 0 ? asked : set;
	rules.extensions = !refuses_extensions;
	if (rules.mode == MODE_STRICT) {
		rules.kernel_check = KERNEL_REQUIRE;
		rules.children = CHILDREN_REFUSE;
		rules.audit_hooks = ima = 0;
	}
	if (rules.mode != MODE_AUDIT && ((rules.xattr_ima && !ima) || rules.xattr_spython))
		fail(REFUSED, code, "Cannot use --xattr: the policy does not allow that, or the mode");
	rules.xattr_ima |= ima;
}
