/* Reads the host configuration (which signers this machine trusts) and the policy (what signed code
 * may do). docs/reference/verifier.md and docs/reference/policy.md explain them.
 *
 * Guarantees that a document is used only if the whole document is as the table HOST or POLICY
 * demands, and that only root, in development also the user, could have written the file. Nothing
 * is freed, because the values are used until the process ends. */
#define _GNU_SOURCE
#include "trust.h"
#include "../shared/files/owned-file.h"
#include "../shared/process/decisions.h"
#include "../shared/text/words.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Returns the index of a word among those that the member allows, or -1 if the value is absent. */
static int word_of(const struct member *member, const struct json *value)
{
	return value == NULL ? -1 : word_index(value->text, member->words);
}

/* Returns the document, which is never freed, or NULL if the text is not JSON in UTF-8. */
const struct json *keep_json(char *text, size_t length)
{
	const size_t room = length / 2 + 2;
	struct json *values = keep_memory(room * sizeof *values);
	if (text == NULL || values == NULL)
		return NULL;
	return parse_json(text, length, values, room);
}

char *read_trusted(const char *path, size_t max_bytes, size_t *length)
{
	const char *why;
	const int trusted = TRUST_STICKY | (rules.development ? TRUST_USER | TRUST_LINKS : 0);
	char *text = keep_memory(max_bytes + 1);
	if (text == NULL)
		fail(status_of(errno), "ERR_HOST_CONFIG", "Cannot read \"%s\": %m", path);
	const ssize_t count = read_owned(path, trusted, text, max_bytes + 1, &why);
	if (count < 0)
		fail(status_of(errno), "ERR_HOST_CONFIG", "%s", why);
	*length = (size_t)count;
	return text;
}

static const struct json *read_document(const char *path, size_t max_bytes)
{
	size_t length;
	char *text = read_trusted(path, max_bytes, &length);
	return keep_json(text, length);
}

static const struct json *default_document(void)
{
	static const char TEXT[] = "{\"version\":1}";
	return keep_json(keep_string(TEXT, strlen(TEXT)), strlen(TEXT));
}

/* Requires the document to be as `members` demands. `is_file` is true for the document of a file.
 * A file that is no document at all, because it is empty or its text ends early, may be in the
 * middle of a change. */
static void judge(const struct json *document, const struct member *members,
	const struct json **values, const char *code, const char *name, bool is_file)
{
	struct fault fault;
	if (is_file && document == NULL)
		fail(UNDECIDED, code, "Cannot use %s: it is not JSON", name);
	if (read_members(document, members, values, &fault))
		return;
	const char *quote = *fault.at == '\0' ? "" : "\"";
	fail(REFUSED, code, "Cannot use %s: %s%s%s %s", name, quote, fault.at, quote, fault.why);
}

/* Returns true only if neither the file exists nor a link in its place or in that of its directory.
 * A link that leads nowhere may lead to a volume that is not mounted yet, and a file that this user
 * may not look for exists. Both are refused when the file is opened. */
static bool is_nothing(const char *directory, const char *file)
{
	struct stat status;
	if (lstat(file, &status) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return false;
	return lstat(directory, &status) != 0 || !S_ISLNK(status.st_mode);
}

/* Reads the file. NULL stands for /etc/sigtool/verifier.json, which may be absent. */
void read_host(const char *file)
{
	const struct json *values[HOST_MEMBERS];
	char name[PATH_MAX];
	rules.host_file = file == NULL ? HOST_CONFIGURATION_FILE : file;
	const bool is_absent = file == NULL && is_nothing(HOST_DIRECTORY, rules.host_file);
	rules.has_host_file = !is_absent;
	const struct json *document =
		is_absent ? default_document() : read_document(rules.host_file, MAX_HOST_BYTES);
	snprintf(name, sizeof name, "host configuration \"%s\"", rules.host_file);
	judge(document, HOST, values, "ERR_HOST_CONFIG", name, true);
	rules.host_mode = word_of(&HOST[HOST_MODE], values[HOST_MODE]);
	rules.exit_on_refusal =
		word_of(&HOST[HOST_ON_REFUSAL], values[HOST_ON_REFUSAL]) == ON_REFUSAL_EXIT;
	rules.refuses_expired =
		word_of(&HOST[HOST_ON_EXPIRY], values[HOST_ON_EXPIRY]) == ON_EXPIRY_REFUSE;
	rules.pins = values[HOST_PINS];
	rules.policy_signers = values[HOST_POLICY_SIGNERS];
	rules.policy_minimum = values[HOST_MINIMUM_POLICY_SEQUENCE];
	rules.authorities = values[HOST_AUTHORITIES];
	rules.timestamp_authorities = values[HOST_TIMESTAMP_AUTHORITIES];
	rules.products = values[HOST_PRODUCTS];
	rules.deny = values[HOST_DENY];
	rules.index = text_of(values[HOST_INDEX]);
	rules.policy = text_of(values[HOST_POLICY]);
	rules.standard_error = word_of(&HOST[HOST_AUDIT_STDERR], values[HOST_AUDIT_STDERR]);
	rules.syslog = values[HOST_AUDIT_SYSLOG]->kind == JSON_TRUE;
	if (rules.json_lines == NULL)
		rules.json_lines = text_of(values[HOST_AUDIT_JSON_LINES]);
	if (rules.is_checking) {
		rules.standard_error = STDERR_OFF;
		rules.syslog = 0;
		rules.json_lines = NULL;
	}
	open_sinks();
}

/* Returns the index of the word that the policy has for this member. */
static int policy_word(const struct json *const *values, int member)
{
	return word_of(&POLICY[member], values[member]);
}

/* Ends the process if anything without a signature of a policy signer would count in place of what
 * they signed. `values` are the members of the signed policy. */
static void require_signed(const struct json *const *values, int own_mode, int asked)
{
	const struct json *sequence = values[POLICY_SEQUENCE];
	const struct json *minimum = rules.policy_minimum;
	if (minimum != NULL && (sequence == NULL || sequence->number < minimum->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use the signed policy: this host demands a policy with a sequence of at least "
			"%lu; compile the index with a newer one",
			minimum->number);
	if (rules.host_mode >= 0 && rules.host_mode < own_mode)
		fail(REFUSED, "ERR_POLICY_SIGNER",
			"Cannot use mode \"%s\" of \"%s\": it is weaker than \"%s\" of the signed policy, "
			"which counts because of its \"policySigners\"; remove the mode, or both",
			MODE_NAMES[rules.host_mode], rules.host_file, MODE_NAMES[own_mode]);
	if (asked >= 0 && asked < own_mode)
		fail(REFUSED, "ERR_POLICY_SIGNER",
			"Cannot start in mode \"%s\": it is weaker than \"%s\" of the signed policy",
			MODE_NAMES[asked], MODE_NAMES[own_mode]);
}

/* Ends the process if the host demands a signed policy and none would count. */
static void refuse_unsigned(const struct json *policy)
{
	if (rules.policy != NULL)
		fail(REFUSED, "ERR_POLICY_SIGNER",
			"Cannot use policy \"%s\": nobody signed it, and \"%s\" demands a signed policy by its "
			"\"policySigners\"; remove one of both",
			rules.policy, rules.host_file);
	if (policy == NULL)
		fail(REFUSED, "ERR_POLICY_SIGNER",
			"Cannot use the policy: there is no signed one, and \"%s\" demands one by its "
			"\"policySigners\"; sign it with `policy sign`, and compile the index with it",
			rules.host_file);
}

/* Reads the host's policy, or that of the index if the host has none. `asked` is the mode on the
 * command line, or -1. It makes the mode stricter, and in development it may make it weaker. */
void read_policy(const struct json *policy, int asked)
{
	const struct json *values[POLICY_MEMBERS];
	char name[PATH_MAX] = "the policy";
	if (rules.policy_signers != NULL)
		refuse_unsigned(policy);
	if (rules.policy != NULL) {
		policy = read_document(rules.policy, MAX_POLICY_BYTES);
		snprintf(name, sizeof name, "policy \"%s\"", rules.policy);
	}
	judge(policy, POLICY, values, "ERR_POLICY", name, rules.policy != NULL);
	const int own_mode = policy_word(values, POLICY_MODE);
	if (rules.policy_signers != NULL)
		require_signed(values, own_mode, asked);
	int ima = policy_word(values, POLICY_PYTHON_XATTR) == XATTR_IMA;
	rules.policy_products = values[POLICY_PRODUCTS];
	rules.max_size = values[POLICY_FILES_MAX_SIZE_BYTES]->number;
	rules.demands_root = policy_word(values, POLICY_FILES_OWNER) == OWNER_ROOT;
	rules.refuses_others_write =
		policy_word(values, POLICY_FILES_OTHERS_WRITE) == OTHERS_WRITE_REFUSE;
	rules.environment = values[POLICY_LAUNCH_ENVIRONMENT];
	rules.writable_code = policy_word(values, POLICY_LAUNCH_WRITABLE_CODE);
	rules.kernel_check = policy_word(values, POLICY_FILES_KERNEL_CHECK);
	rules.children = policy_word(values, POLICY_RUNTIME_CHILDREN);
	rules.addons = policy_word(values, POLICY_RUNTIME_ADDONS);
	rules.web_assembly = policy_word(values, POLICY_RUNTIME_WEB_ASSEMBLY);
	rules.web_assembly_sha256 = values[POLICY_RUNTIME_WEB_ASSEMBLY_SHA_256];
	rules.string_code = policy_word(values, POLICY_RUNTIME_STRING_CODE);
	rules.python_code = policy_word(values, POLICY_PYTHON_STRING_CODE);
	rules.string_code_from = values[POLICY_PYTHON_STRING_CODE_FROM];
	rules.has_module_hooks =
		policy_word(values, POLICY_RUNTIME_MODULE_HOOKS) == MODULE_HOOKS_SIGNED;
	rules.workers = policy_word(values, POLICY_RUNTIME_WORKERS);
	rules.audit_hooks = policy_word(values, POLICY_PYTHON_AUDIT_HOOKS);
	rules.events = values[POLICY_PYTHON_EVENTS];
	rules.refuses_extensions = policy_word(values, POLICY_PYTHON_EXTENSIONS) == EXTENSIONS_REFUSE;
	struct file_rules *file_rules;
	if (!make_file_rules(values[POLICY_RULES], time(NULL), &file_rules))
		fail(UNDECIDED, "ERR_LIMIT", "Cannot use %s: there is no memory for its rules", name);
	rules.file_rules = file_rules;
	const int set = rules.host_mode < 0 ? own_mode : rules.host_mode;
	if (asked >= 0 && asked < set && !rules.development) {
		if (rules.host_mode >= 0)
			snprintf(name, sizeof name, "host configuration \"%s\"", rules.host_file);
		fail(REFUSED, "ERR_START",
			"Cannot be in mode %s: %s says %s; start in this mode, or change \"mode\" there",
			MODE_NAMES[asked], name, MODE_NAMES[set]);
	}
	rules.mode = asked >= 0 ? asked : set;
	if (rules.mode == MODE_STRICT) {
		rules.kernel_check = KERNEL_CHECK_REQUIRE;
		if (!refuses_children())
			rules.children = CHILDREN_REFUSE;
		rules.string_code = STRING_CODE_REFUSE;
		if (rules.python_code == STRING_CODE_AUDIT)
			rules.python_code = STRING_CODE_SIGNED;
		if (rules.web_assembly == WEB_ASSEMBLY_ALLOW)
			rules.web_assembly = WEB_ASSEMBLY_SIGNED;
		rules.audit_hooks = AUDIT_HOOKS_REFUSE;
		ima = 0;
	}
	const bool is_extra_attribute = (rules.xattr_ima && !ima) || rules.xattr_spython;
	if (rules.mode != MODE_AUDIT && is_extra_attribute)
		fail(REFUSED, "ERR_POLICY",
			"Cannot use --xattr: the policy does not allow that, or the mode");
	rules.xattr_ima |= ima;
}

void use_attributes_alone(int asked)
{
	if (!rules.has_host_file && asked == MODE_AUDIT)
		rules.host_mode = MODE_AUDIT;
	if (rules.host_mode != MODE_AUDIT || asked > MODE_AUDIT)
		fail(USAGE, "ERR_HOST_CONFIG",
			"Cannot start: neither --index nor \"%s\" names a trust index, and attributes alone "
			"count in mode audit only (--mode audit)",
			rules.host_file);
	read_policy(rules.policy_signers == NULL ? default_document() : NULL, asked);
}
