/* Looks up what the trust index says about a path, a content or a text.
 *
 * Guarantees that an entry is found by product and path, never by content, and that no byte outside
 * of the index is read, whatever its records say. */
#define _GNU_SOURCE
#include "../shared/process/decisions.h"
#include "contents.h"
#include "products.h"
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

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
		find_record(&loaded.table, product->first, product->end, entry.name, name_length);
	if (number < 0)
		return entry;
	const uint8_t *record = record_at(&loaded.table, (uint32_t)number);
	const uint16_t kind = read_u16(record + KIND_AT);
	if (kind == FILE_KIND)
		entry.digest = record + DIGEST_AT;
	if (kind == LINK_KIND) {
		/* The target follows the path in the names. find_record() has checked that the path ends
		 * inside the names, so `target` is at most names_end. */
		const uint64_t size = read_u64(record + SIZE_AT);
		const uint64_t target = loaded.table.names_start + (uint64_t)read_u32(record) + name_length;
		if (size <= loaded.table.names_end - target) {
			entry.target = (const char *)loaded.table.bytes + target;
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

/* Writes the path of a record below its product's root. Returns the product, or NULL if the record
 * has no such path. */
static const struct product *read_place(uint32_t number, char path[PATH_ROOM])
{
	const uint8_t *record = record_at(&loaded.table, number);
	const size_t start = loaded.table.names_start + (size_t)read_u32(record);
	const size_t length = read_u16(record + PATH_BYTES_AT);
	const struct product *product = loaded.products;
	if (start + length > loaded.table.names_end || length >= PATH_ROOM)
		return NULL;
	memcpy(path, loaded.table.bytes + start, length);
	path[length] = '\0';
	while (number >= product->end)
		product++;
	return product;
}

/* Applies the rules to the file of this record. Returns false if they refuse it. */
static bool rule_on_record(uint32_t number, struct file_ruling *ruling)
{
	char path[PATH_ROOM];
	const struct product *product = read_place(number, path);
	if (product == NULL)
		return false;
	const struct entry entry = {
		.product = product->name, .signers = product->signers, .name = path};
	return is_permitted(&entry, path, record_at(&loaded.table, number) + DIGEST_AT, ruling);
}

static bool is_permitted_record(uint32_t number)
{
	struct file_ruling ruling;
	return rule_on_record(number, &ruling);
}

static DECIDES struct contents *contents;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void prepare_contents(void)
{
	contents = keep_pages(sizeof *contents);
	if (contents == NULL)
		fail(UNDECIDED, "ERR_LIMIT", "Cannot read the trust index: %m");
}

static void list_own_contents(void)
{
	*contents = list_contents(&loaded.table, loaded.entry_count);
	seal_pages(contents, sizeof *contents);
}

static int64_t find_permitted(const uint8_t digest[SHA256_BYTES])
{
	pthread_once(&once, list_own_contents);
	return record_of_content(
		contents, digest, rules.file_rules == NULL ? NULL : is_permitted_record);
}

bool find_content(const uint8_t digest[SHA256_BYTES])
{
	return find_permitted(digest) >= 0;
}

const char *place_of_content(const uint8_t digest[SHA256_BYTES], char path[PATH_ROOM])
{
	const int64_t number = find_permitted(digest);
	const struct product *product = number < 0 ? NULL : read_place((uint32_t)number, path);
	return product == NULL ? NULL : product->name;
}

/* Returns true if a deny rule refuses the file of this record. */
static bool is_denied_record(uint32_t number)
{
	struct file_ruling ruling = {.is_allowed = true};
	return !rule_on_record(number, &ruling) && ruling.by != NULL && ruling.by->is_deny;
}

bool find_denied_content(const uint8_t digest[SHA256_BYTES])
{
	if (rules.file_rules == NULL)
		return false;
	pthread_once(&once, list_own_contents);
	return record_of_content(contents, digest, is_denied_record) >= 0;
}

bool find_text(const uint8_t digest[SHA256_BYTES], counts_file *counts)
{
	char hex[SHA256_HEX + 1];
	uint8_t file[SHA256_BYTES];
	to_hex(digest, hex);
	EACH(each, loaded.file_texts) {
		if (strcmp(json_member(each, "text")->text, hex) != 0)
			continue;
		from_hex(json_member(each, "file")->text, file);
		if (counts(file))
			return true;
	}
	return false;
}

bool find_text_without_file(const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	to_hex(digest, hex);
	EACH(text, loaded.texts) {
		if (strcmp(text->text, hex) == 0)
			return true;
	}
	return false;
}
