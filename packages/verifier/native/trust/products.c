/* Decides which products of a trust index this host takes, and where they are.
 *
 * Guarantees that a product counts only if the policy and the host configuration accept it with its
 * sequence, and that none of its catalogs is on the deny list. A product that does not count ends
 * the process. */
#define _GNU_SOURCE
#include "products.h"
#include "../shared/process/decisions.h"
#include "index-bytes.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns true if the policy names this product, or no product at all. */
static bool is_in_policy(const char *name)
{
	if (IS_EMPTY(rules.policy_products))
		return true;
	EACH(each, rules.policy_products) {
		if (strcmp(each->text, name) == 0)
			return true;
	}
	return false;
}

/* Requires that policy and host configuration accept the product. `bound` is the product's object
 * in the host configuration, or null if there is none. */
static void require_accepted(
	const char *name, const struct json *sequence, const struct json *bound)
{
	const struct json *minimum = json_member(bound, "minimumSequence");
	if (!is_in_policy(name) || (bound == NULL && !IS_EMPTY(rules.products)))
		fail(REFUSED, "ERR_PRODUCT_MISMATCH",
			"Cannot use product \"%s\": the host configuration, or the policy, does not name it; "
			"add it to \"products\" there, or install the index that belongs to it",
			name);
	if (minimum != NULL && (sequence == NULL || sequence->number < minimum->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use product \"%s\": this host demands a sequence of at least %lu; install a "
			"newer one",
			name, minimum->number);
	const struct json *oldest = json_member(bound, "minimumCompiled");
	if (oldest != NULL && (loaded.compiled == NULL || loaded.compiled->number < oldest->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use product \"%s\": this host demands an index with a sequence of at least "
			"%lu; install a newer one",
			name, oldest->number);
}

/* Returns the real path of a product's root, or NULL if it does not exist. The launcher has read
 * the links on the way for script, index and roots at once, so they are not read again. */
static const char *real_root(const char *path)
{
	const size_t length = strlen(path);
	for (const char *line = rules.launched ? rules.roots : NULL; line != NULL;) {
		const char *end = strchrnul(line, '\n');
		if (strncmp(line, path, length) == 0 && line[length] == '\t')
			return keep_string(line + length + 1, (size_t)(end - line) - length - 1);
		line = *end == '\0' ? NULL : end + 1;
	}
	char real[PATH_MAX];
	return realpath(path, real) == NULL ? NULL : keep_string(real, strlen(real));
}

/* Requires the signers of a signed product, if a rule names signers. Without them the rule could
 * not be applied. */
static void require_signers(const struct json *described)
{
	const bool is_signed = json_member(described, "adopted") == NULL;
	const bool is_needed = rules.file_rules != NULL && rules.file_rules->names_signer;
	if (is_needed && is_signed && json_member(described, "signers") == NULL)
		fail(REFUSED, "ERR_POLICY",
			"Cannot use the policy: its rules name signers, and the trust index does not name "
			"those of product \"%s\"; compile it again with a policy that has rules",
			json_member(described, "name")->text);
}

void add_product(const struct json *described)
{
	const struct json *name = json_member(described, "name");
	const struct json *root = json_member(described, "root");
	const struct json *entries = json_member(described, "entries");
	const struct json *sequence = json_member(described, "sequence");
	if (loaded.product_count == MAX_PRODUCTS)
		malformed("its products are too many");
	const struct json *bound = find_by(rules.products, "name", name->text);
	require_accepted(name->text, sequence, bound);
	EACH(catalog, json_member(described, "catalogs"))
		refuse_denied("catalog", catalog->text);
	const struct json *bound_root = json_member(bound, "root");
	const char *path = bound_root == NULL ? root->text : bound_root->text;
	const char *real = real_root(path);
	struct product *product = &loaded.products[loaded.product_count];
	product->name = name->text;
	product->signers = json_member(described, "signers");
	require_signers(described);
	product->root = real == NULL ? path : real;
	product->root_length = strlen(product->root);
	if (strcmp(product->root, "/") == 0)
		product->root_length = 0;
	if (sequence != NULL)
		snprintf(product->sequence, sizeof product->sequence, "%lu", sequence->number);
	/* The sum is at most MAX_PRODUCTS times MAX_ENTRIES, which is less than 2^32. */
	product->first = loaded.entry_count;
	product->end = loaded.entry_count + (uint32_t)entries->number;
	loaded.entry_count = product->end;
	loaded.product_count++;
}

const struct product *product_of(const char *path)
{
	const struct product *closest = NULL;
	for (size_t i = 0; i < loaded.product_count; i++) {
		const struct product *product = &loaded.products[i];
		const size_t length = product->root_length;
		const bool is_below = strncmp(path, product->root, length) == 0 && path[length] == '/';
		if (is_below && (closest == NULL || length > closest->root_length))
			closest = product;
	}
	return closest;
}
