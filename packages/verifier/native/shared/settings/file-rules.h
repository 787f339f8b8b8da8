/* Decides by the rules of a policy whether a signed file may be loaded.
 * packages/core/src/trust/file-rules.ts decides alike, and both are tested with the same vectors.
 * docs/reference/policy.md explains the rules.
 *
 * Guarantees that rules only narrow: the caller must not ask about a file that nothing vouches for,
 * and a rule that is supplemental never lets a file pass that the others refuse. */
#ifndef SIGTOOL_FILE_RULES_H
#define SIGTOOL_FILE_RULES_H
#include "../text/json.h"
#include <stdbool.h>
#include <time.h>

/* A rule in the form in which it is applied. A member that the rule does not have is NULL. */
struct file_rule {
	bool is_deny;
	bool is_supplemental;
	bool is_expired;
	char name[72]; /* the name in events: `rules[LABEL]`, or `rules[0]` with the rule's place */
	uint64_t rank; /* of the rules that match, the one with the highest rank is named */
	const char *sha256;
	const char *path;
	const char *file_name;
	const char *product;
	const char *key;
	const char *authority;
	const char *subject;
	const char *expires;
	const char *message;
	const char *url;
};

struct file_rules {
	size_t count;
	bool is_base_closed; /* the base policy has allow rules, and a file must match one of them */
	bool is_supplement_closed; /* the same for supplemental policies */
	bool
		names_signer; /* a rule names a signer, so that the index must have those of its products */
	struct file_rule list[];
};

/* A file that everything else trusts. */
struct ruled_file {
	const char *product; /* NULL for a file outside of all products */
	const char *path; /* the path below the product's root, else the real path */
	const char *sha256; /* in lower-case hexadecimal */
	/* The signers of the product, as the head of an index has them. NULL for an adopted product. */
	const struct json *signers;
};

struct file_ruling {
	bool is_allowed;
	const struct file_rule *by; /* the rule that decides, or NULL */
	/* The name for events. NULL only if the file is allowed because no rule speaks of it. */
	const char *rule;
	char why[320]; /* says why the file is refused; "" if it is allowed */
};

/* Prepares the rules of a policy that was judged by its table, for a process that starts at `at`.
 * Returns NULL if there are none. The result points into `rules`, and is never freed. Returns false
 * if memory is lacking. */
bool make_file_rules(const struct json *rules, time_t at, struct file_rules **made);

/* Rules on a file. A deny rule that matches refuses, also an expired one. Without one the file must
 * match an allow rule of the base policy if there are any, and one of the supplemental policies if
 * there are any. An expired allow rule matches nothing. */
void rule_on(
	const struct file_rules *rules, const struct ruled_file *file, struct file_ruling *ruling);

#endif
