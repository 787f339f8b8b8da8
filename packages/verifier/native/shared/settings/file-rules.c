/* Keeps the guarantees of file-rules.h. */
#define _GNU_SOURCE
#include "file-rules.h"
#include "../process/decisions.h"
#include "../text/glob.h"
#include "members.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path without stars adds this to a rank. No glob adds as much, because a glob adds its bytes,
 * and a whole policy has at most 64 KiB. */
static const uint64_t FIXED_PATH = 1 << 20;

static uint64_t rank_of_path(const char *path)
{
	uint64_t bytes = 0;
	if (path == NULL)
		return 0;
	if (strchr(path, '*') == NULL)
		return FIXED_PATH;
	for (; *path != '\0'; path++)
		bytes += *path != '*';
	return 1 + bytes;
}

/* Ranks by what matches the fewest files: a digest, then a path without stars, then a glob by the
 * bytes that are no stars, then a name, a product, and a signer. The first of these in which two
 * rules differ decides. */
static uint64_t rank_of(const struct file_rule *rule)
{
	const bool has_signer = rule->key != NULL || rule->authority != NULL;
	return (rule->sha256 != NULL ? FIXED_PATH * 16 : 0) + rank_of_path(rule->path) * 8 +
		(rule->file_name != NULL ? 4 : 0) + (rule->product != NULL ? 2 : 0) + (has_signer ? 1 : 0);
}

/* Returns true if the end is before `now`, which has the form of is_time(). As many characters are
 * compared as the end has, so a day ends when the next one begins. */
static bool is_past(const char *end, const char *now)
{
	return end != NULL && strncmp(now, end, strlen(end)) > 0;
}

static void make_rule(
	struct file_rule *rule, const struct json *described, size_t place, const char *now)
{
	const struct json *deny = json_member(described, "deny");
	const struct json *match = deny != NULL ? deny : json_member(described, "allow");
	const struct json *signer = json_member(match, "signer");
	const char *label = text_of(json_member(described, "label"));
	*rule = (struct file_rule){
		.is_deny = deny != NULL,
		.is_supplemental = json_member(described, "supplemental") != NULL,
		.sha256 = text_of(json_member(match, "sha256")),
		.path = text_of(json_member(match, "path")),
		.file_name = text_of(json_member(match, "name")),
		.product = text_of(json_member(match, "product")),
		.key = text_of(json_member(signer, "key")),
		.authority = text_of(json_member(signer, "authority")),
		.subject = text_of(json_member(signer, "subject")),
		.expires = text_of(json_member(described, "expires")),
		.message = text_of(json_member(described, "message")),
		.url = text_of(json_member(described, "url")),
	};
	rule->is_expired = is_past(rule->expires, now);
	rule->rank = rank_of(rule);
	if (label != NULL)
		snprintf(rule->name, sizeof rule->name, "rules[%s]", label);
	else
		snprintf(rule->name, sizeof rule->name, "rules[%zu]", place);
}

bool make_file_rules(const struct json *rules, time_t at, struct file_rules **made)
{
	char now[32] = "";
	struct tm utc;
	size_t count = 0;
	*made = NULL;
	EACH(each, rules)
		count++;
	if (count == 0)
		return true;
	struct file_rules *all = keep_memory(sizeof *all + count * sizeof all->list[0]);
	if (all == NULL || gmtime_r(&at, &utc) == NULL ||
		strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return false;
	EACH(each, rules) {
		struct file_rule *rule = &all->list[all->count];
		make_rule(rule, each, all->count, now);
		all->count++;
		if (!rule->is_deny && rule->is_supplemental)
			all->is_supplement_closed = true;
		if (!rule->is_deny && !rule->is_supplemental)
			all->is_base_closed = true;
		if (rule->key != NULL || rule->authority != NULL)
			all->names_signer = true;
	}
	*made = all;
	return true;
}

static bool has_text(const struct json *list, const char *text)
{
	EACH(each, list) {
		if (strcmp(each->text, text) == 0)
			return true;
	}
	return false;
}

static bool is_signer(const struct file_rule *rule, const struct json *signer)
{
	const char *subject = text_of(json_member(signer, "subject"));
	if (rule->key != NULL)
		return strcmp(json_member(signer, "key")->text, rule->key) == 0;
	return subject != NULL && strcmp(subject, rule->subject) == 0 &&
		has_text(json_member(signer, "authorities"), rule->authority);
}

/* A product can have several signers, and the index does not say which of them signed a file. So a
 * deny rule needs one of them to match, and an allow rule needs all. */
static bool matches_signers(const struct file_rule *rule, const struct json *signers)
{
	size_t count = 0;
	size_t same = 0;
	EACH(signer, signers) {
		count++;
		same += is_signer(rule, signer);
	}
	return rule->is_deny ? same > 0 : same > 0 && same == count;
}

static bool matches(const struct file_rule *rule, const struct ruled_file *file)
{
	const char *product = file->product;
	const bool names_signer = rule->key != NULL || rule->authority != NULL;
	if (rule->sha256 != NULL && strcmp(rule->sha256, file->sha256) != 0)
		return false;
	if (rule->product != NULL && (product == NULL || strcmp(rule->product, product) != 0))
		return false;
	if (rule->file_name != NULL && !has_file_name(file->path, rule->file_name))
		return false;
	if (rule->path != NULL && (product == NULL || !matches_glob(rule->path, file->path)))
		return false;
	return !names_signer || matches_signers(rule, file->signers);
}

static const struct file_rule *higher(const struct file_rule *best, const struct file_rule *rule)
{
	return best == NULL || rule->rank > best->rank ? rule : best;
}

static void deny_by(const struct file_rule *rule, struct file_ruling *ruling)
{
	ruling->by = rule;
	ruling->rule = rule->name;
	if (rule->is_expired)
		snprintf(ruling->why, sizeof ruling->why,
			"%s of the policy denies it, and still does although it expired on %s", rule->name,
			rule->expires);
	else
		snprintf(ruling->why, sizeof ruling->why, "%s of the policy denies it", rule->name);
}

static void miss(bool is_in_base, const struct file_rule *ended, struct file_ruling *ruling)
{
	const char *whose = is_in_base ? "the supplemental policies" : "the policy";
	ruling->rule = "rules";
	if (ended != NULL)
		snprintf(ruling->why, sizeof ruling->why,
			"no allow rule of %s matches it; %s would, but it expired on %s", whose, ended->name,
			ended->expires);
	else
		snprintf(ruling->why, sizeof ruling->why, "no allow rule of %s matches it", whose);
}

void rule_on(
	const struct file_rules *rules, const struct ruled_file *file, struct file_ruling *ruling)
{
	const struct file_rule *denying = NULL;
	const struct file_rule *allowing = NULL;
	const struct file_rule *ended = NULL;
	bool is_in_base = !rules->is_base_closed;
	bool is_in_supplement = !rules->is_supplement_closed;
	const bool is_absolute = file->product == NULL && *file->path == '/';
	*ruling = (struct file_ruling){.is_allowed = false};
	if (!is_entry_path(file->path + (is_absolute ? 1 : 0))) {
		ruling->rule = "rules";
		snprintf(ruling->why, sizeof ruling->why,
			"its path is not one that the kernel returns, so no rule is applied to it");
		return;
	}
	for (size_t i = 0; i < rules->count; i++) {
		const struct file_rule *rule = &rules->list[i];
		if (!matches(rule, file))
			continue;
		if (rule->is_deny) {
			denying = higher(denying, rule);
		} else if (rule->is_expired) {
			ended = higher(ended, rule);
		} else {
			allowing = higher(allowing, rule);
			is_in_supplement = is_in_supplement || rule->is_supplemental;
			is_in_base = is_in_base || !rule->is_supplemental;
		}
	}
	if (denying != NULL) {
		deny_by(denying, ruling);
	} else if (is_in_base && is_in_supplement) {
		ruling->is_allowed = true;
		ruling->by = allowing;
		ruling->rule = allowing == NULL ? NULL : allowing->name;
	} else {
		miss(is_in_base, ended, ruling);
	}
}
