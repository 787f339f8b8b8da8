/* Answers whether a signature names some content. */
#define _GNU_SOURCE
#include "../shared/files/opened-path.h"
#include "gate.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool is_content(const uint8_t digest[SHA256_BYTES])
{
	return find_content(digest) && !is_denied(digest);
}

/* Returns true if this is a text that differs from its file. It is judged by the file too, because
 * deny list and rules name files. */
static bool is_text(const uint8_t digest[SHA256_BYTES])
{
	if (find_text(digest, is_content))
		return !is_denied(digest);
	return find_text_without_file(digest) && !is_denied(digest) && !denies_files() &&
		rules.file_rules == NULL;
}

bool is_named(const char *path, const uint8_t digest[SHA256_BYTES])
{
	if (is_part(digest) || is_known_text(digest))
		return true;
	return is_named_text(path, digest) || is_content(digest);
}

bool is_named_text(const char *path, const uint8_t digest[SHA256_BYTES])
{
	return (is_at(path, digest) && !is_denied(digest)) || is_text(digest);
}

/* Returns true if the deny list or a deny rule names a file with this content. */
static bool is_denied_file(const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	to_hex(digest, hex);
	return denied("file", hex) != NULL || find_denied_content(digest);
}

bool is_denied_text(const uint8_t digest[SHA256_BYTES])
{
	look_for_denials();
	return (is_denied_file(digest) || find_text(digest, is_denied_file)) && !is_named(NULL, digest);
}

/* Returns true if the file that is open is signed at this real path, as it is now. */
static bool is_signed_file(int descriptor, const char *real)
{
	const uint8_t *digest = find_entry(real).digest;
	return digest != NULL && has_content(descriptor, 0, digest) && is_at(real, digest) &&
		!is_denied(digest);
}

/* The name that Node.js gives the function around the text of a worker. No policy allows such
 * workers. */
#define TEXT_OF_WORKER "[worker eval]-wrapper"

bool may_be_made_for(const char *path)
{
	char real[PATH_MAX];
	struct stat status;
	if (path == NULL || *path == '\0')
		return true;
	if (strcmp(path, TEXT_OF_WORKER) == 0)
		return false;
	const int descriptor = open_with_real_path(path, real);
	if (descriptor < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG;
	const bool is_known = fstat(descriptor, &status) == 0;
	const bool may = is_known &&
		(S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && is_signed_file(descriptor, real)));
	close(descriptor);
	return may;
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
