/* Reads the trust index, which says what content each path of a product must have.
 * docs/reference/trust-index.md has the layout.
 *
 * Guarantees that the signature over the received bytes is verified (index-signature.c) before
 * head, records or names are read. Until then only the sizes in the header are used, and these are
 * checked against limits. Afterwards the signer is trusted, but even then no byte outside of the
 * index is read. The bytes are in read-only memory, and are sealed, a copy, or in a file that only
 * root can change, so they cannot change after they were verified. A fault in the index ends the
 * process. */
#define _GNU_SOURCE
#include "trust.h"
#include "contents.h"
#include "index-signature.h"
#include "../shared/owned-file.h"
#include "../shared/start-facts.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The magic bytes, and the offsets of the header's fields in the file, in bytes. */
static const uint8_t MAGIC[8] = {0x89, 'S', 'I', 'G', 'X', '\r', '\n', 0x1a};
enum {
	VERSION_AT = 8,
	HEAD_BYTES_AT = 12,
	ENTRIES_AT = 16,
	NAMES_BYTES_AT = 20,
	HEADER = 24, /* the size of the header */
	INDEX_VERSION = 1,
};

/* The limits. They are in bytes, except those of entries and products. */
enum {
	MAX_HEAD = 1 << 20,
	MAX_ENTRIES = 1 << 21,
	MAX_NAMES = 1 << 29,
	MAX_SIGNATURE = 1 << 20,
	MAX_INDEX = 1 << 30,
	MAX_PRODUCTS = 256,
};

static struct index_table table;
static struct index_digests verified;

static uint64_t not_after; /* in milliseconds since 1970, or 0 for an index without end */
static const struct json *compiled; /* the sequence of the index itself, or null */
static const struct json *texts; /* digests of texts that differ from their files, or null */

/* The products in the order of the head. Their records have the same order. */
static struct product {
	const char *name;
	const char *root; /* its directory, as a real path if the directory exists */
	size_t root_length; /* 0 for "/", so that a path below it begins with a slash after the root */
	const struct json *signers; /* those of its catalogs, or null */
	char sequence[24]; /* a decimal number, or "" if the product has none */
	uint32_t first; /* its records are those from `first` to `end` - 1 */
	uint32_t end;
} products[MAX_PRODUCTS];
static size_t product_count;
static uint32_t entry_count; /* the number of entries of all these products together */

static _Noreturn void malformed(const char *reason)
{
	fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot read the trust index: %s", reason);
}

/* Ends the process, because the index ends before it is complete, as it does while it is copied. */
static _Noreturn void truncated(void)
{
	fail(UNDECIDED, "ERR_INDEX_FORMAT",
		"Cannot read the trust index: it is truncated; if nobody is copying it, install it again");
}

/* Requires sealed memory. Then the index is exactly what the launcher opened and sealed. */
static void require_sealed(int descriptor)
{
	const int seals = fcntl(descriptor, F_GET_SEALS); /* -1 if it is no memfd */
	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use descriptor %d: it is not sealed memory",
			descriptor);
}

/* Requires a file that only root can change. The launcher has judged the directories above it. */
static void require_roots_file(int descriptor)
{
	struct stat status;
	const bool is_known = fstat(descriptor, &status) == 0;
	if (!is_known || status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot use descriptor %d: it is no file that only root can change", descriptor);
}

/* Maps what cannot change. Unlike a private mapping, a shared one of a descriptor without write
 * access can never be made writable. Kernels before 6.7 map sealed memory only privately. */
static uint8_t *map_fixed(int descriptor, size_t length)
{
	uint8_t *memory = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor, 0);
	if (memory == MAP_FAILED)
		memory = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
	return memory;
}

/* Returns a copy in private, read-only memory, or MAP_FAILED. */
static uint8_t *copy_index(int descriptor, size_t length)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED)
		return memory;
	const ssize_t count = read_all(descriptor, memory, length);
	if (count != (ssize_t)length)
		fail(UNDECIDED, "ERR_INDEX_FORMAT",
			"Cannot read the trust index: it changes while it is read");
	mprotect(memory, length, PROT_READ);
	return memory;
}

/* Returns the index in read-only memory that is never freed, and its length, which is not 0. `file`
 * and `descriptor` are those of load_index(). */
static const uint8_t *map_index(const char *file, int descriptor, size_t *length)
{
	struct stat status;
	const bool is_passed = descriptor >= 0;
	if (!is_passed)
		descriptor = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	else if (rules.index_sha256 != NULL)
		require_roots_file(descriptor);
	else
		require_sealed(descriptor);
	if (descriptor < 0 || fstat(descriptor, &status) != 0)
		fail(status_of(errno), "ERR_INDEX_FORMAT", "Cannot open the trust index \"%s\": %m", file);
	if (!S_ISREG(status.st_mode))
		malformed("it is not a regular file");
	if (status.st_size == 0)
		truncated();
	if (status.st_size > MAX_INDEX)
		malformed("it is larger than a trust index can be");
	*length = (size_t)status.st_size;
	const uint8_t *memory =
		is_passed ? map_fixed(descriptor, *length) : copy_index(descriptor, *length);
	if (memory == MAP_FAILED)
		fail(status_of(errno), "ERR_LIMIT", "Cannot read the trust index: %m");
	if (!is_passed)
		close(descriptor);
	return memory;
}

/* Takes the digests of an index that root has digested. The launcher passes both or none. */
static void take_digests(void)
{
	const bool is_shared = rules.launched && rules.index_sha256 != NULL;
	if (!is_shared)
		return;
	if (rules.content_sha256 == NULL || !is_sha256_hex(rules.index_sha256) ||
		!is_sha256_hex(rules.content_sha256))
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot use the digests of the index: they are no SHA-256");
	memcpy(verified.index, rules.index_sha256, sizeof verified.index);
	memcpy(verified.content, rules.content_sha256, sizeof verified.content);
}

/* Refuses the index if this digest is on the deny list. `kind` must be a literal. */
static void refuse_denied(const char *kind, const char *hex)
{
	const char *reason = denied(kind, hex);
	if (reason != NULL)
		fail(REFUSED, "ERR_DENIED",
			"Cannot trust the trust index: the deny list names what it was made of: %s", reason);
	rest_on(OF_INDEX, kind, hex);
}

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
			"Cannot use product \"%s\": the host configuration, or the policy, does not name it",
			name);
	if (minimum != NULL && (sequence == NULL || sequence->number < minimum->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use product \"%s\": this host demands a sequence of at least %lu; install a "
			"newer one",
			name, minimum->number);
	const struct json *oldest = json_member(bound, "minimumCompiled");
	if (oldest != NULL && (compiled == NULL || compiled->number < oldest->number))
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
			return strndup(line + length + 1, (size_t)(end - line) - length - 1);
		line = *end == '\0' ? NULL : end + 1;
	}
	return realpath(path, NULL);
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

/* Adds a product of the head. Its records follow those of the products that were added before. */
static void add_product(const struct json *described)
{
	const struct json *name = json_member(described, "name");
	const struct json *root = json_member(described, "root");
	const struct json *entries = json_member(described, "entries");
	const struct json *sequence = json_member(described, "sequence");
	if (product_count == MAX_PRODUCTS)
		malformed("its products are too many");
	const struct json *bound = find_by(rules.products, "name", name->text);
	require_accepted(name->text, sequence, bound);
	EACH(catalog, json_member(described, "catalogs"))
		refuse_denied("catalog", catalog->text);
	const struct json *bound_root = json_member(bound, "root");
	const char *path = bound_root == NULL ? root->text : bound_root->text;
	const char *real = real_root(path);
	struct product *product = &products[product_count];
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
	product->first = entry_count;
	product->end = entry_count + (uint32_t)entries->number;
	entry_count = product->end;
	product_count++;
}

/* Returns true if the first bytes of a signature in DER announce more bytes than there are. */
static bool is_cut(const uint8_t *der, size_t length)
{
	if (length < 2)
		return true;
	const bool is_short_form = der[1] < 0x80;
	const size_t digits = is_short_form ? 0 : der[1] & 0x7f;
	if (digits > 4)
		return false; /* No signature is so long, so this is refused later. */
	if (length < 2 + digits)
		return true;
	size_t announced = is_short_form ? der[1] : 0;
	for (size_t i = 0; i < digits; i++)
		announced = announced << 8 | der[2 + i];
	return announced <= MAX_SIGNATURE && announced > length - 2 - digits;
}

/* Sets `table` from the sizes in the header. The rest of the file, after the names, is the
 * signature. */
static void find_parts(const uint8_t *bytes, size_t length)
{
	const size_t head = read_u32(bytes + HEAD_BYTES_AT);
	const size_t entries = read_u32(bytes + ENTRIES_AT);
	const size_t names = read_u32(bytes + NAMES_BYTES_AT);
	if (head > MAX_HEAD || entries > MAX_ENTRIES || names > MAX_NAMES)
		fail(REFUSED, "ERR_LIMIT",
			"Cannot read the trust index: its header gives a part more than the format allows");
	const size_t records_start = HEADER + head;
	const size_t names_start = records_start + entries * RECORD_BYTES;
	const size_t names_end = names_start + names;
	if (names_end >= length || is_cut(bytes + names_end, length - names_end))
		truncated();
	if (length - names_end > MAX_SIGNATURE)
		malformed("its signature is too large");
	table = (struct index_table){
		.bytes = bytes,
		.size = length,
		.records_start = (uint32_t)records_start,
		.names_start = (uint32_t)names_start,
		.names_end = (uint32_t)names_end,
	};
}

/* Returns the policy of the head, or null if it has none, and if the host demands a signed one and
 * this is not signed. A signed policy is there instead of another one. Its signature counts only
 * for hosts that demand one. */
static const struct json *policy_of(const struct json *const *values)
{
	const struct json *document = values[HEAD_SIGNED_POLICY_DOCUMENT];
	const struct json *signature = values[HEAD_SIGNED_POLICY_SIGNATURE];
	if (document == NULL && values[HEAD_POLICY] == NULL)
		fail(REFUSED, "ERR_POLICY", "Cannot use the policy: the trust index has none");
	if (document == NULL)
		return rules.policy_signers == NULL ? values[HEAD_POLICY] : NULL;
	if (values[HEAD_POLICY] != NULL)
		malformed("it has a policy beside the signed one");
	const size_t length = strlen(document->text);
	if (length > MAX_POLICY_BYTES)
		fail(REFUSED, "ERR_POLICY", "Cannot use the signed policy: it is larger than %d bytes",
			MAX_POLICY_BYTES);
	if (rules.policy_signers != NULL && !rules.is_verified)
		verify_policy(document->text, length, signature->text);
	const struct json *policy = keep_json(strndup(document->text, length), length);
	if (policy == NULL)
		fail(REFUSED, "ERR_POLICY", "Cannot use the signed policy: it is not JSON");
	return policy;
}

/* Reads the head, which contains policy and products. The signature must be verified before. */
static void read_head(int mode_asked)
{
	const size_t length = table.records_start - HEADER;
	/* The text is shorter than `length` if the head contains a NUL. Then it is refused, because
	 * JSON contains no NUL. */
	char *text = strndup((const char *)table.bytes + HEADER, length);
	const struct json *values[HEAD_MEMBERS];
	struct fault fault;
	if (!read_members(keep_json(text, length), HEAD, values, &fault))
		fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot use the head of the trust index: \"%s\" %s",
			fault.at, fault.why);
	if (values[HEAD_NOT_AFTER] != NULL) {
		not_after = values[HEAD_NOT_AFTER]->number;
		if ((uint64_t)time(NULL) > not_after / 1000)
			fail(REFUSED, "ERR_INDEX_EXPIRED",
				"Cannot use the trust index: it has expired; compile it again");
		end_at(END_OF_INDEX, not_after);
	}
	compiled = values[HEAD_COMPILED];
	texts = values[HEAD_TEXTS];
	EACH(signer, values[HEAD_SIGNERS])
		refuse_denied("key", signer->text);
	refuse_denied("catalog", verified.index);
	refuse_denied("catalog", verified.content);
	read_policy(policy_of(values), mode_asked);
	EACH(product, values[HEAD_PRODUCTS])
		add_product(product);
	if ((size_t)entry_count * RECORD_BYTES != table.names_start - table.records_start)
		malformed("its products together have another number of entries than its header says");
}

void load_index(const char *file, int descriptor, int mode_asked)
{
	size_t length;
	require_clock();
	require_somebody();
	const uint8_t *bytes = map_index(file, descriptor, &length);
	if (memcmp(bytes, MAGIC, length < sizeof MAGIC ? length : sizeof MAGIC) != 0)
		malformed("it does not begin as one");
	if (length < HEADER)
		truncated();
	if (read_u32(bytes + VERSION_AT) != INDEX_VERSION)
		malformed("it is not one of version 1");
	find_parts(bytes, length);
	take_digests();
	if (!rules.is_verified)
		verify_index(bytes, table.names_end, length, &verified);
	read_head(mode_asked);
}

/* Writes the names of the products with their sequences, such as `app@3 python`. What does not fit
 * is cut. */
static void write_products(char *text, size_t room)
{
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < product_count && length < room; i++) {
		const struct product *product = &products[i];
		const char *space = i == 0 ? "" : " ";
		const char *at = *product->sequence == '\0' ? "" : "@";
		length += (size_t)snprintf(
			text + length, room - length, "%s%s%s%s", space, product->name, at, product->sequence);
	}
}

void announce(const char *missing, const char *script)
{
	struct start_facts facts;
	char names[4096];
	char sequence[24] = "";
	char end[TIME_ROOM];
	char signer_end[TIME_ROOM];
	for (size_t i = 0; i < product_count; i++) {
		const struct product *product = &products[i];
		raise_event("catalog.load", ALLOW, "sha256", verified.index, "product", product->name,
			"#sequence", product->sequence, "signer", verified.signer, NULL);
	}
	find_start_facts(&facts);
	write_products(names, sizeof names);
	if (compiled != NULL)
		snprintf(sequence, sizeof sequence, "%lu", compiled->number);
	text_of_time(not_after, end);
	text_of_time((uint64_t)verified.signer_end * 1000, signer_end);
	const enum verdict verdict = rules.mode <= MODE_AUDIT ? AUDIT : ALLOW;
	raise_event("verifier.start", verdict, "mode", MODE_NAMES[rules.mode], "index", verified.index,
		"#compiled", sequence, "notAfter", end, "signer", verified.signer, "signerNotAfter",
		signer_end, "products", names, "tier", program.tier, "version", program.version, "script",
		script, "unit", facts.unit, "#uid", facts.uid, "host", facts.host, "missing", missing,
		NULL);
	tell_ends();
}

/* Returns the product whose root is the closest directory above this path, or null. So a product
 * inside the tree of another product decides about the files below its root. */
static const struct product *product_of(const char *path)
{
	const struct product *closest = NULL;
	for (size_t i = 0; i < product_count; i++) {
		const struct product *product = &products[i];
		const size_t length = product->root_length;
		const bool is_below = strncmp(path, product->root, length) == 0 && path[length] == '/';
		if (is_below && (closest == NULL || length > closest->root_length))
			closest = product;
	}
	return closest;
}

static uint64_t read_u64(const uint8_t *at)
{
	return read_u32(at) | (uint64_t)read_u32(at + 4) << 32;
}

struct entry find_entry(const char *path)
{
	const struct product *product = product_of(path);
	if (product == NULL)
		return (struct entry){0};
	struct entry entry = {
		.product = product->name,
		.signers = product->signers,
		.name = path + product->root_length + 1,
	};
	const size_t name_length = strlen(entry.name);
	const int64_t number =
		find_record(&table, product->first, product->end, entry.name, name_length);
	if (number < 0)
		return entry;
	const uint8_t *record = table.bytes + table.records_start + (size_t)number * RECORD_BYTES;
	const uint16_t kind = read_u16(record + KIND_AT);
	if (kind == FILE_KIND)
		entry.digest = record + DIGEST_AT;
	if (kind == LINK_KIND) {
		/* The target follows the path in the names. find_record() has checked that the path ends
		 * inside the names, so `target` is at most names_end. */
		const uint64_t size = read_u64(record + SIZE_AT);
		const uint64_t target = table.names_start + (uint64_t)read_u32(record) + name_length;
		if (size <= table.names_end - target) {
			entry.target = (const char *)table.bytes + target;
			entry.target_length = size;
		}
	}
	return entry;
}

bool is_permitted(const struct entry *entry, const char *path, const uint8_t digest[SHA256_BYTES],
	struct file_ruling *ruling)
{
	char hex[SHA256_HEX + 1];
	*ruling = (struct file_ruling){.is_allowed = true};
	if (rules.file_rules == NULL)
		return true;
	to_hex(digest, hex);
	const struct ruled_file file = {
		.product = entry->product,
		.path = entry->product == NULL ? path : entry->name,
		.sha256 = hex,
		.signers = entry->signers,
	};
	rule_on(rules.file_rules, &file, ruling);
	return ruling->is_allowed;
}

/* Returns true if the rules permit the file of this record. */
static bool is_permitted_record(uint32_t number)
{
	char path[PATH_MAX + 1];
	const uint8_t *record = table.bytes + table.records_start + (size_t)number * RECORD_BYTES;
	const size_t start = table.names_start + (size_t)read_u32(record);
	const size_t length = read_u16(record + PATH_BYTES_AT);
	const struct product *product = products;
	struct file_ruling ruling;
	if (start + length > table.names_end || length >= sizeof path)
		return false;
	memcpy(path, table.bytes + start, length);
	path[length] = '\0';
	while (number >= product->end)
		product++;
	const struct entry entry = {
		.product = product->name, .signers = product->signers, .name = path};
	return is_permitted(&entry, path, record + DIGEST_AT, &ruling);
}

static struct contents contents;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void list_own_contents(void)
{
	contents = list_contents(&table, entry_count);
}

bool find_content(const uint8_t digest[SHA256_BYTES])
{
	pthread_once(&once, list_own_contents);
	return has_content(&contents, digest, rules.file_rules == NULL ? NULL : is_permitted_record);
}

bool find_text(const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	to_hex(digest, hex);
	EACH(text, texts) {
		if (strcmp(text->text, hex) == 0)
			return true;
	}
	return false;
}
