/* The deny list of the process: that of the start, and everything that the host configuration adds
 * while the process runs. docs/how-to/revocation.md explains it.
 *
 * Guarantees that a denial never ends before the process, whatever becomes of the configuration: a
 * look only adds. Added denials are complete before other threads see them, and never freed. */
#define _GNU_SOURCE
#include "trust.h"
#include "../shared/files/owned-file.h"
#include "../shared/process/decisions.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct denial {
	char kind[sizeof "certificate"];
	char hex[SHA256_HEX + 1];
	char *reason;
	const struct denial *next;
};

/* A digest on which the trust in the index rests. */
struct ground {
	const char *kind;
	char hex[SHA256_HEX + 1];
	enum ground_of of;
	const struct ground *next;
};

static _Atomic(const struct denial *) added;
static atomic_uint added_count;
static DECIDES const struct ground *grounds;

/* The reasons of the denials of a ground, by what the ground is of. */
static _Atomic(const char *) denied_grounds[OF_NOTHING];

/* The reason why everything is denied while the process lacks what a look needs, or null. A program
 * could cause a shortage to keep a denial from counting. */
static _Atomic(const char *) prevented;

/* The effective user at the first look, which is before the program runs. -1 before that. */
static DECIDES atomic_long user_at_start = -1;

void rest_on(enum ground_of of, const char *kind, const char *hex)
{
	struct ground *ground = keep_memory(sizeof *ground);
	if (ground == NULL)
		fail(UNDECIDED, "ERR_INTERNAL", "Cannot load the trust index: no memory");
	ground->kind = kind;
	snprintf(ground->hex, sizeof ground->hex, "%s", hex);
	ground->of = of;
	ground->next = grounds;
	grounds = ground;
}

void each_ground(void (*take)(enum ground_of of, const char *kind, const char *hex))
{
	for (const struct ground *each = grounds; each != NULL; each = each->next)
		take(each->of, each->kind, each->hex);
}

const char *denied(const char *kind, const char *hex)
{
	const struct json *denial = find_by(rules.deny, kind, hex);
	if (denial != NULL)
		return json_member(denial, "reason")->text;
	for (const struct denial *each = atomic_load(&added); each != NULL; each = each->next) {
		if (strcmp(each->kind, kind) == 0 && strcmp(each->hex, hex) == 0)
			return each->reason;
	}
	return NULL;
}

void refuse_denied(const char *kind, const char *hex)
{
	const char *reason = denied(kind, hex);
	if (reason != NULL)
		fail(REFUSED, "ERR_DENIED",
			"Cannot trust the trust index: the deny list names what it was made of: %s", reason);
	rest_on(OF_INDEX, kind, hex);
}

const char *denied_index(void)
{
	const char *reason = atomic_load(&prevented);
	if (reason == NULL)
		reason = atomic_load(&denied_grounds[OF_INDEX]);
	if (reason != NULL)
		return reason;
	reason = atomic_load(&denied_grounds[OF_TIMESTAMP]);
	return reason != NULL && needs_timestamp() ? reason : NULL;
}

bool denies_files(void)
{
	EACH(denial, rules.deny) {
		if (json_member(denial, "file") != NULL)
			return true;
	}
	for (const struct denial *each = atomic_load(&added); each != NULL; each = each->next) {
		if (strcmp(each->kind, "file") == 0)
			return true;
	}
	return false;
}

unsigned count_of_added_denials(void)
{
	return atomic_load(&added_count);
}

/* Adds a denial, and notes if a ground of the index has its digest. Returns false if memory is
 * lacking. */
static bool add(const char *kind, const char *hex, const char *text)
{
	struct denial *denial = malloc(sizeof *denial);
	char *reason = strdup(text);
	if (denial == NULL || reason == NULL) {
		free(denial);
		free(reason);
		return false;
	}
	snprintf(denial->kind, sizeof denial->kind, "%s", kind);
	snprintf(denial->hex, sizeof denial->hex, "%s", hex);
	denial->reason = reason;
	denial->next = atomic_load(&added);
	atomic_store(&added, denial);
	atomic_fetch_add(&added_count, 1);
	for (const struct ground *ground = grounds; ground != NULL; ground = ground->next) {
		if (strcmp(ground->kind, kind) == 0 && strcmp(ground->hex, hex) == 0)
			atomic_store(&denied_grounds[ground->of], reason);
	}
	return true;
}

static const char *const KINDS[] = {"file", "key", "certificate", "catalog"};

/* Returns the kind of an item of the deny list, or null if it is no denial. */
static const char *kind_of(const struct json *item)
{
	const struct json *reason = json_member(item, "reason");
	const char *kind = NULL;
	if (reason == NULL || reason->kind != JSON_STRING)
		return NULL;
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		const struct json *digest = json_member(item, KINDS[i]);
		if (digest == NULL)
			continue;
		const bool is_digest = digest->kind == JSON_STRING &&
			strspn(digest->text, "0123456789abcdef") == SHA256_HEX &&
			strlen(digest->text) == SHA256_HEX;
		if (kind != NULL || !is_digest)
			return NULL;
		kind = KINDS[i];
	}
	return kind;
}

static const char NO_MEMORY[] = "there is no memory for it";

/* Adds the denials of a document that are new, and counts them. Nothing is added if one of them has
 * a fault. Returns null, or the reason why the document cannot be used. */
static const char *add_denials(const struct json *document, unsigned *count)
{
	const struct json *version = json_member(document, "version");
	const struct json *list = json_member(document, "deny");
	if (document == NULL)
		return "it is not JSON";
	if (version == NULL || version->kind != JSON_NUMBER || version->number != 1)
		return "its \"version\" is not 1";
	if (list != NULL && list->kind != JSON_ARRAY)
		return "its \"deny\" is not a list";
	EACH(item, list) {
		if (kind_of(item) == NULL)
			return "its \"deny\" has an item that is not a denial";
	}
	EACH(item, list) {
		const char *kind = kind_of(item);
		const char *hex = json_member(item, kind)->text;
		if (denied(kind, hex) != NULL)
			continue;
		const bool is_added = add(kind, hex, json_member(item, "reason")->text);
		if (!is_added)
			return NO_MEMORY;
		*count += 1;
	}
	return NULL;
}

/* Reads the host configuration again. Returns null, or the reason why it cannot be used. errno is
 * ENOMEM, EMFILE or ENFILE if the process lacks something, else it has no meaning. */
static const char *reread(unsigned *count)
{
	const int trusted = TRUST_STICKY | (rules.development ? TRUST_USER | TRUST_LINKS : 0);
	const char *why = NO_MEMORY;
	char *text = malloc(MAX_HOST_BYTES + 1);
	if (text == NULL)
		return why;
	const ssize_t length = read_owned(rules.host_file, trusted, text, MAX_HOST_BYTES + 1, &why);
	if (length >= 0) {
		const size_t room = (size_t)length / 2 + 2;
		struct json *values = malloc(room * sizeof *values);
		if (values != NULL)
			why = add_denials(parse_json(text, (size_t)length, values, room), count);
		else
			why = NO_MEMORY;
		free(values);
		errno = why == NO_MEMORY ? ENOMEM : 0;
	}
	const int error = errno;
	free(text);
	errno = error;
	return why;
}

/* Returns true for errors of whoever administers the host. A program can cause the others, by
 * limits and by closing descriptors, and EACCES by giving up rights. 0 stands for a file that was
 * judged. */
static bool is_fault_of_file(int error)
{
	switch (error) {
	case 0:
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
	case ENXIO:
		return true;
	case EACCES:
		return (long)geteuid() == atomic_load(&user_at_start);
	default:
		return false;
	}
}

/* Raises the event of a look. A fault that was told before is not told again. */
static void tell(const char *fault, unsigned count)
{
	static char told[2 * PATH_MAX];
	char number[16];
	if (program.is_beside_hook)
		return;
	if (fault == NULL)
		*told = '\0';
	if (count > 0) {
		snprintf(number, sizeof number, "%u", count);
		raise_event("verifier.reload", ALLOW, "path", rules.host_file, "#count", number, NULL);
	}
	if (fault == NULL || strcmp(fault, told) == 0)
		return;
	snprintf(told, sizeof told, "%s", fault);
	raise_event("verifier.reload", RECORD, "path", rules.host_file, "reason", "ERR_HOST_CONFIG",
		"detail", told, NULL);
}

/* Looks at the configuration, and takes its denials over if it has changed. A file that was read
 * while somebody wrote to it can keep its identity, so each change is read twice. */
static void look(void)
{
	static char seen[IDENTITY];
	static char settled[IDENTITY];
	char identity[IDENTITY] = "";
	struct stat entry;
	unsigned count = 0;
	if (stat(rules.host_file, &entry) == 0)
		identity_of(&entry, identity);
	else if (!rules.has_host_file)
		return; /* it did not exist at the start either */
	if (*identity != '\0' && strcmp(identity, settled) == 0) {
		atomic_store(&prevented, NULL);
		return;
	}
	errno = 0;
	const char *fault = reread(&count);
	const bool is_prevented = fault != NULL && !is_fault_of_file(errno);
	atomic_store(&prevented,
		is_prevented
			? "the deny list cannot be read again: the process lacks rights, descriptors or "
			  "memory"
			: NULL);
	const bool is_settled = fault == NULL && strcmp(identity, seen) == 0;
	snprintf(settled, sizeof settled, "%s", is_settled ? identity : "");
	snprintf(seen, sizeof seen, "%s", identity);
	tell(fault, count);
}

void look_for_denials(void)
{
	static atomic_llong next; /* nanoseconds of the clock that nobody can set */
	static atomic_int looking; /* the process that looks, or 0 */
	struct timespec now;
	long nobody = -1;
	if (atomic_load(&user_at_start) == nobody)
		atomic_compare_exchange_strong(&user_at_start, &nobody, (long)geteuid());
	clock_gettime(CLOCK_MONOTONIC, &now);
	const long long moment = now.tv_sec * 1000000000LL + now.tv_nsec;
	if (moment < atomic_load(&next) || rules.host_file == NULL)
		return;
	/* Only one thread looks. The child of a fork() inherits the mark of a thread that it does not
	 * have, which has the number of the parent. */
	int looker = atomic_load(&looking);
	const int self = getpid();
	if (looker == self || !atomic_compare_exchange_strong(&looking, &looker, self))
		return;
	look();
	/* Until the configuration could be read, each file that is judged is a reason to try again. */
	if (atomic_load(&prevented) == NULL)
		atomic_store(&next, moment + LOOK_SECONDS * 1000000000LL);
	atomic_store(&looking, 0);
}
