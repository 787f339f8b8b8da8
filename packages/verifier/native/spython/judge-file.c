/* Judges a file of code that was opened: its type and size, its content, its path, its owner and
 * mode, and the kernel's answer about it. Reads nothing of the file but extended attributes:
 * whoever calls has read and digested the content. */
#include "../shared/files/kernel-check.h"
#include "../trust/trust.h"
#include "finding.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Returns true if the file's security.ima is a SHA-256 of the content. Only an administrator can
 * write this attribute. Its value is a byte 4 (IMA_XATTR_DIGEST_NG), a byte 4 (HASH_ALGO_SHA256),
 * and the digest. */
static bool has_ima_digest(const struct opened *file)
{
	uint8_t value[SHA256_HEX];
	const ssize_t size = fgetxattr(file->descriptor, "security.ima", value, sizeof value);
	return size == 2 + SHA256_BYTES && value[0] == 4 && value[1] == 4 &&
		memcmp(value + 2, file->digest, SHA256_BYTES) == 0;
}

/* Returns true if spython's own extended attribute is the SHA-256 of the content in hexadecimal.
 * Every user who may write to the file can set this attribute. */
static bool has_own_attribute(const struct opened *file)
{
	static const char NAME[] = "user.org.python.x-spython-hash";
	uint8_t value[SHA256_HEX];
	const ssize_t size = fgetxattr(file->descriptor, NAME, value, sizeof value);
	return size == SHA256_HEX && memcmp(value, file->hex, SHA256_HEX) == 0;
}

/* Returns the name of an extended attribute that has the content's digest and that the rules allow.
 * Returns null if there is none. */
static const char *vouching_attribute(const struct opened *file)
{
	if (rules.xattr_ima && has_ima_digest(file))
		return "ima";
	if (rules.xattr_spython && has_own_attribute(file))
		return "spython";
	return NULL;
}

static struct finding fault(const char *reason, const char *rule, const char *why)
{
	return (struct finding){.reason = reason, .rule = rule, .why = why};
}

/* Returns what the policy's rules make of a file that everything else trusts by the check `rule`.
 */
static struct finding apply_rules(struct opened *file, const char *rule)
{
	static const char MEND[] = "`policy explain` says which rule, and what would change it";
	struct file_ruling *ruling = &file->ruling;
	if (is_permitted(&file->entry, file->real, file->digest, ruling)) {
		const bool is_entry = strcmp(rule, "entry") == 0;
		return (struct finding){.rule = is_entry && ruling->rule != NULL ? ruling->rule : rule};
	}
	struct finding finding = fault("ERR_POLICY_RULE", ruling->rule, ruling->why);
	finding.denial = ruling->by == NULL ? NULL : ruling->by->message;
	finding.mend = MEND;
	if (ruling->by != NULL && ruling->by->url != NULL)
		finding.mend = ruling->by->url;
	return finding;
}

/* Judges content and path. The first objection in the order of docs/reference/verifier.md counts.
 * An objection to the content comes before one to the links on the path. */
static struct finding judge_content(struct opened *file)
{
	const struct entry *entry = &file->entry;
	const char *denial = denied_index();
	if (denial != NULL)
		return (struct finding){"ERR_DENIED", "deny",
			"the deny list names the signer of its index, or what else the index rests on", denial,
			"install a release that does not rest on it, such as one that another key signed",
			NULL};
	denial = denied("file", file->hex);
	if (denial != NULL)
		return (struct finding){"ERR_DENIED", "deny", "the deny list names it", denial,
			"install a release without it", NULL};
	const char *expired = refused_by_term();
	if (expired != NULL)
		return fault(expired, "time", "the trust index, or its signer's certificate, has expired");
	if (entry->digest == NULL) {
		const char *attribute = vouching_attribute(file);
		if (attribute != NULL)
			return apply_rules(file, attribute);
	}
	if (entry->product == NULL)
		return fault(
			"ERR_OUTSIDE_PRODUCTS", "product", "it lies in no directory of a trusted product");
	if (entry->digest == NULL)
		return fault("ERR_FILE_ADDED", "entry", "no signature covers it");
	if (memcmp(entry->digest, file->digest, SHA256_BYTES) != 0) {
		to_hex(entry->digest, file->expected);
		return fault("ERR_FILE_MODIFIED", "entry", "it was modified");
	}
	const struct finding finding = apply_rules(file, "entry");
	if (finding.reason == NULL && !leads_to(file->path, file->real, file->is_native))
		return fault("ERR_LINK_CHANGED", "link", "a link on the way to it is not as it was signed");
	return finding;
}

/* Returns no reason if the policy allows the size. */
static struct finding judge_size(struct opened *file)
{
	if ((uint64_t)file->stat.st_size <= rules.max_size)
		return (struct finding){.reason = NULL};
	snprintf(file->size, sizeof file->size, "it has %ld bytes, and files.maxSizeBytes is %lu",
		(long)file->stat.st_size, (unsigned long)rules.max_size);
	struct finding finding = fault("ERR_LIMIT", "files", file->size);
	finding.mend = file->stat.st_size > INT32_MAX
		? "split it: files.maxSizeBytes of a policy allows up to 2147483647"
		: "if it must be that large, raise files.maxSizeBytes in the policy";
	return finding;
}

struct finding judge_unread(struct opened *file)
{
	if (!S_ISREG(file->stat.st_mode))
		return fault("ERR_FILE_TYPE", "files", "it is not a regular file");
	return rules.mode < MODE_ENFORCE ? (struct finding){.reason = NULL} : judge_size(file);
}

struct finding judge(struct opened *file)
{
	to_hex(file->digest, file->hex);
	const struct finding finding = judge_content(file);
	if (finding.reason != NULL)
		return finding;
	const struct finding size = judge_size(file);
	if (size.reason != NULL)
		return size;
	if (!accepts_owner_and_mode(&file->stat, &file->access))
		return (struct finding){.reason = file->access.code,
			.rule = "files",
			.why = file->access.why,
			.mend = file->access.mend,
			.detail = file->access.detail};
	if (rules.kernel_check == KERNEL_CHECK_OFF)
		return finding;
	const char *objection = kernel_objection(file->descriptor, file->stat.st_mode);
	if (objection != NULL)
		return fault("ERR_NOT_EXECUTABLE", "kernel", objection);
	return finding;
}

const char *text_of_size(const struct stat *status, char text[SIZE_ROOM])
{
	text[0] = '\0';
	if ((uint64_t)status->st_size > least_size_to_tell())
		snprintf(text, SIZE_ROOM, "%ld", (long)status->st_size);
	return text;
}

enum verdict verdict_of(const struct finding *finding, bool has_bytes)
{
	if (finding->reason == NULL)
		return ALLOW;
	/* The modes off and audit admit a file whatever its content is, if the content was read. */
	if (rules.mode >= MODE_ENFORCE || !has_bytes)
		return REFUSE;
	return AUDIT;
}

const char *message_of(const struct opened *file, const struct finding *finding)
{
	static _Thread_local char message[2 * PATH_MAX];
	const char *denial = finding->denial;
	const char *mend = finding->mend;
	if (*file->expected != '\0')
		snprintf(message, sizeof message, "File hash mismatch: '%s' (expected: %s, got %s)",
			file->path, file->expected, file->hex);
	else
		snprintf(message, sizeof message, "Cannot load '%s': %s%s%s (%s%s%s)%s%s", file->path,
			finding->why, denial == NULL ? "" : ": ", denial == NULL ? "" : denial, finding->reason,
			*file->hex == '\0' ? "" : ", got ", file->hex, mend == NULL ? "" : "; ",
			mend == NULL ? "" : mend);
	return message;
}
