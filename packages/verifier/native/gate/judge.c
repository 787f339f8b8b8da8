/* Answers whether a signature names some content. */
#include "gate.h"
#include <pthread.h>
#include <string.h>

/* Returns true if the host's deny list names this content, or if no content counts any more: the
 * list names what the index rests on, such as its signer, or the process keeps the list from being
 * read. The list is read again from time to time, so a denial also counts after the start. */
static bool is_denied(const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	look_for_denials();
	to_hex(digest, hex);
	return denied_index() != NULL || denied("file", hex) != NULL;
}

/* Returns true if the index has this content at this path, and the policy permits it there. */
static bool is_at(const char *path, const uint8_t digest[SHA256_BYTES])
{
	if (path == NULL || *path != '/')
		return false;
	const struct entry entry = find_entry(path);
	struct file_ruling ruling;
	return entry.digest != NULL && memcmp(entry.digest, digest, SHA256_BYTES) == 0 &&
		is_permitted(&entry, path, digest, &ruling);
}

bool is_named(const char *path, const uint8_t digest[SHA256_BYTES])
{
	if (is_part(digest) || is_known_text(digest))
		return true;
	return (is_at(path, digest) || find_text(digest) || find_content(digest)) && !is_denied(digest);
}

bool is_named_text(const char *path, const uint8_t digest[SHA256_BYTES])
{
	return (is_at(path, digest) || find_text(digest)) && !is_denied(digest);
}

static bool is_listed(const struct json *list, const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	to_hex(digest, hex);
	EACH(each, list) {
		if (strcmp(each->text, hex) == 0)
			return true;
	}
	return false;
}

bool is_named_wasm(const uint8_t digest[SHA256_BYTES])
{
	return is_named(NULL, digest) || is_known_wasm(digest) ||
		is_listed(rules.web_assembly_sha256, digest);
}

bool is_new(const uint8_t digest[SHA256_BYTES])
{
	enum { ROOM = 8192, MOST = ROOM / 2 };
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static uint8_t seen[ROOM][SHA256_BYTES]; /* a slot of zeros is free */
	static const uint8_t FREE[SHA256_BYTES];
	static size_t count;
	uint16_t slot;
	bool is_first = false;
	memcpy(&slot, digest, sizeof slot);
	pthread_mutex_lock(&mutex);
	for (size_t tried = 0; tried < ROOM; tried++) {
		uint8_t *place = seen[(slot + tried) % ROOM];
		if (memcmp(place, digest, SHA256_BYTES) == 0)
			break;
		if (memcmp(place, FREE, SHA256_BYTES) != 0)
			continue;
		/* Half of the table is taken, so all digests are forgotten. Then some events are repeated,
		 * but none is lost. */
		if (count == MOST) {
			memset(seen, 0, sizeof seen);
			count = 0;
		}
		memcpy(place, digest, SHA256_BYTES);
		count++;
		is_first = true;
		break;
	}
	pthread_mutex_unlock(&mutex);
	return is_first;
}
