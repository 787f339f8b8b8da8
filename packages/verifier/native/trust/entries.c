/* Looks up what the trust index says about a path, a content or a text.
 *
 * Guarantees that an entry is found by product and path, never by content, and that no byte outside
 * of the index is read, whatever its records say. */
#define _GNU_SOURCE
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

/* Returns true if the rules permit the file of this record. */
static bool is_permitted_record(uint32_t number)
{
	char path[PATH_MAX + 1];
	const uint8_t *record = record_at(&loaded.table, number);
	const size_t start = loaded.table.names_start + (size_t)read_u32(record);
	const size_t length = read_u16(record + PATH_BYTES_AT);
	const struct product *product = loaded.products;
	struct file_ruling ruling;
	if (start + length > loaded.table.names_end || length >= sizeof path)
		return false;
	memcpy(path, loaded.table.bytes + start, length);
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
	contents = list_contents(&loaded.table, loaded.entry_count);
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
	EACH(text, loaded.texts) {
		if (strcmp(text->text, hex) == 0)
			return true;
	}
	return false;
}
