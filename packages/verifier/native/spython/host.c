/* The host configuration, and the policy: whom this machine trusts, and what signed code may do.
 * docs/verifier.md. Files that decide belong to root and only root can have written them; in
 * development, to the user as well. */
#define _GNU_SOURCE
#include "spython.h"
#include "../owned-file.h"

enum { MAX_CONFIGURATION = 1 << 20 };
struct rules rules = {.host_mode = -1, .max_size = 64 << 20};
static int own_mode = MODE_ENFORCE, ima;
static const char *json_lines;
static const struct member HOST[] = {{"version", "version", NULL},
	{"mode", MODES, &rules.host_mode}, {"onRefusal", "throw exit", &rules.exit_on_refusal},
	{"index", "path", &rules.index}, {"policy", "path", &rules.policy},
	{"authorities", "any", NULL}, {"launcher", "any", NULL}, {"pins", "list", &rules.pins},
	{"pins.spki-sha256", "digest", NULL}, {"pins.name", "text", NULL},
	{"products", "list", &rules.products}, {"products.name", "text", NULL},
	{"products.root", "path", NULL}, {"products.minimumSequence", "number", NULL},
	{"deny", "list", &rules.deny}, {"deny.file", "digest", NULL}, {"deny.key", "digest", NULL},
	{"deny.certificate", "digest", NULL}, {"deny.catalog", "digest", NULL},
	{"deny.reason", "text", NULL}, {"audit", "object", NULL},
	{"audit.jsonLines", "path", &json_lines},
	{"audit.stderr", "refusals off all", &rules.standard_error},
	{"audit.syslog", "switch", &rules.syslog}, {0}};
static const struct member POLICY[] = {{"version", "version", NULL}, {"mode", MODES, &own_mode},
	{"products", "texts", &rules.policy_products}, {"launch", "any", NULL},
	{"files", "object", NULL}, {"files.maxSizeBytes", "number", &rules.max_size},
	{"files.kernelCheck", "log require off", &rules.kernel_check}, {"runtime", "object", NULL},
	{"runtime.children", "refuse audit allow", &rules.children}, {"runtime.addons", "any", NULL},
	{"runtime.webAssembly", "any", NULL}, {"runtime.webAssemblySha256", "any", NULL},
	{"runtime.stringCode", "any", NULL}, {"runtime.workers", "any", NULL},
	{"python", "object", NULL}, {"python.auditHooks", "refuse allow", &rules.audit_hooks},
	{"python.xattr", "off ima", &ima}, {"python.events", "texts", &rules.events},
	{"python.extensions", "signed refuse", &rules.refuses_extensions}, {0}};

/* For good; null where it is no JSON of the kind that is read. */
const struct json *keep_json(char *text, size_t length)
{
	const size_t room = length / 2 + 2;
	struct json *values = malloc(room * sizeof *values);
	return text == NULL || values == NULL ? NULL : parse_json(text, length, values, room);
}

static const struct json *read_document(const char *path)
{
	const char *why;
	char *text = malloc(MAX_CONFIGURATION);
	const ssize_t length =
		read_owned(path, rules.development ? TRUST_STICKY | TRUST_USER | TRUST_LINKS : TRUST_STICKY,
			text, MAX_CONFIGURATION, &why);
	if (length < 0)
		fail(REFUSED, "ERR_HOST_CONFIG", "%s", why);
	const struct json *document = keep_json(text, (size_t)length);
	if (document == NULL)
		fail(REFUSED, "ERR_HOST_CONFIG",
			"Cannot read \"%s\": it is not JSON, or not of the kind that is read", path);
	return document;
}

/* Null for the usual file, which may be absent. */
void read_host(const char *file)
{
	rules.host_file = file == NULL ? "/etc/sigtool/verifier.json" : file;
	if (file == NULL && access(rules.host_file, F_OK) != 0)
		return open_sinks();
	const char *wrong = read_members(read_document(rules.host_file), "", HOST);
	if (rules.json_lines == NULL)
		rules.json_lines = json_lines;
	EACH(pin, rules.pins)
		if (wrong == NULL && json_member(pin, "spki-sha256") == NULL)
			wrong = "pins";
	EACH(product, rules.products) { /* no name, or one twice */
		const struct json *name = json_member(product, "name");
		if (wrong == NULL &&
			(name == NULL || find_by(rules.products, "name", name->text) != product))
			wrong = "products";
	}
	EACH(denial, rules.deny) /* the reason, and one other member */
		if (wrong == NULL && (json_member(denial, "reason") == NULL || denial->next != denial + 5))
			wrong = "deny";
	if (wrong != NULL)
		fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": \"%s\" is not as it must be",
			rules.host_file, wrong);
	open_sinks();
}

/* The object of a list whose member is this text. */
const struct json *find_by(const struct json *list, const char *member, const char *text)
{
	EACH(each, list) {
		const struct json *value = json_member(each, member);
		if (value != NULL && strcmp(value->text, text) == 0)
			return each;
	}
	return NULL;
}

/* The reason why the deny list names it; null where it does not. */
const char *denied(const char *kind, const char *hex)
{
	const struct json *denial = find_by(rules.deny, kind, hex);
	return denial == NULL ? NULL : json_member(denial, "reason")->text;
}

/* The host's policy before the index's; `asked` (-1: nothing) makes the mode stricter, and only in
 * development weaker. */
void read_policy(const struct json *policy, int asked)
{
	const char *wrong =
		read_members(rules.policy == NULL ? policy : read_document(rules.policy), "", POLICY);
	if (wrong != NULL)
		fail(REFUSED, "ERR_POLICY", "Cannot use \"%s\": \"%s\" is not as it must be",
			rules.policy == NULL ? "policy" : rules.policy, wrong);
	const int set = rules.host_mode < 0 ? own_mode : rules.host_mode;
	if (asked >= 0 && asked < set && !rules.development)
		fail(REFUSED, "ERR_START", "Cannot be in a weaker mode than the host or the policy says");
	rules.mode = asked >= 0 ? asked : set;
	if (rules.mode == MODE_STRICT) {
		rules.kernel_check = KERNEL_REQUIRE;
		rules.children = CHILDREN_REFUSE;
		rules.audit_hooks = ima = 0;
	}
	if (rules.mode != MODE_AUDIT && ((rules.xattr_ima && !ima) || rules.xattr_spython))
		fail(REFUSED, "ERR_POLICY",
			"Cannot use --xattr: the policy does not allow that, or the mode");
	rules.xattr_ima |= ima;
}
