/* Reads signed files for the hook, and lends V8 their texts.
 *
 * Without this, each file is digested twice: by the addon of the hook, which reads it, and by the
 * gate, which judges the text that V8 is about to compile. Here the gate reads the file itself.
 * When the string comes back to be compiled, the gate knows it by the place of its characters.
 *
 * Guarantees that the characters of such a string are those which were digested:
 * - Their memory was never libc's, because it is reserved before the program begins. So no pointer
 *   that Node.js still has to memory of the past leads there.
 * - It is read-only before they are digested.
 * - The memory is never given back, so no other text comes to the same place.
 * - V8 never reads the text elsewhere. A long one is internalized (keep_text() tells why). */
#define _GNU_SOURCE
#include "verified-texts.h"
#include "../shared/process/decisions.h"
#include "../shared/process/following-thread.h"
#include "../shared/digest/sha256.h"
#include "../shared/text/utf8.h"
#include "gate.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SHORTEST = 2 << 10, /* bytes; to digest a shorter file twice takes less time than this */
	LONG = 1 << 20, /* bytes; a shorter text is digested before a thread for it has started */
	PART_BYTES = 128 << 10, /* small enough to be in the processor's cache when it is digested */
	WINDOW_BYTES = 256 << 10,
	ROOM_BYTES = 256 << 20,
	MAX_TEXTS = 1 << 14,
	BUCKETS = 1 << 12,
};

/* The texts follow each other in `room`, each from the beginning of a page. Their pages are
 * read-only. Behind them is a window of writable pages, for the text that is read now. */
static DECIDES uint8_t *room;
static size_t writable; /* bytes of `room` up to the end of the window */

/* The table of texts is read-only except while add() writes to it. Only the thread that holds
 * `lock` adds a text, and then raises `count`. */
static DECIDES struct table {
	size_t used; /* bytes of `room` that texts have */
	atomic_size_t count;
	struct verified_text texts[MAX_TEXTS]; /* in the order of their places */
	/* 1 + the number of the last text whose digest begins so, or 0 */
	uint16_t buckets[BUCKETS];
	uint16_t next_in_bucket[MAX_TEXTS];
} *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t whole_pages(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

static size_t memory_of(const struct characters *characters)
{
	return characters->count * (characters->is_wide ? sizeof(uint16_t) : sizeof(uint8_t));
}

void reserve_room(void)
{
	void *memory =
		mmap(NULL, ROOM_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	table = keep_pages(sizeof *table);
	if (memory != MAP_FAILED && table != NULL && mprotect(table, sizeof *table, PROT_READ) == 0)
		room = memory;
}

/* Makes this many bytes behind the texts writable. Returns false if there are not as many. */
static bool open_window(size_t size)
{
	if (room == NULL || size > ROOM_BYTES - table->used)
		return false;
	const size_t used = table->used;
	const size_t needed = used + whole_pages(size);
	/* Nothing that was judged becomes writable again, whatever is in `writable`. */
	if (writable < used)
		writable = used;
	if (needed <= writable)
		return true;
	size_t end = used + WINDOW_BYTES > needed ? used + WINDOW_BYTES : needed;
	if (end > ROOM_BYTES)
		end = ROOM_BYTES;
	if (mprotect(room + writable, end - writable, PROT_READ | PROT_WRITE) != 0)
		return false;
	writable = end;
	return true;
}

/* Reads the `size` bytes of a file at `at`. Returns false if it has fewer. */
static bool read_part(int descriptor, uint8_t *bytes, size_t size, size_t at)
{
	size_t filled = 0;
	while (filled < size) {
		const ssize_t got = pread(descriptor, bytes + filled, size - filled, (off_t)(at + filled));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		filled += (size_t)got;
	}
	return true;
}

/* The digest of a text that is being read. A second thread follows the reading of a long one. */
struct digesting {
	struct sha256 sum;
	bool is_followed;
	struct following_thread thread; /* if `is_followed` */
};

static void add_part(void *sum, const unsigned char *part, size_t size)
{
	sha256_add(sum, part, size);
}

/* Reads and digests the parts of a file. Each is read-only before it is digested. Stops and returns
 * false at a part with characters that are not ASCII, or if the file is shorter than `size`. */
static bool read_parts(int descriptor, size_t size, struct digesting *digesting)
{
	for (size_t at = 0; at < size; at += PART_BYTES) {
		const size_t rest = size - at;
		const size_t count = rest < PART_BYTES ? rest : PART_BYTES;
		uint8_t *part = room + table->used + at;
		if (!read_part(descriptor, part, count, at) ||
			mprotect(part, whole_pages(count), PROT_READ) != 0)
			return false;
		if (digesting->is_followed)
			hand_over(&digesting->thread, count);
		if (has_high_bit(part, count))
			return false;
		if (!digesting->is_followed)
			sha256_add(&digesting->sum, part, count);
	}
	return true;
}

/* Reads and digests a file of ASCII, whose bytes are its characters. Returns false as read_parts()
 * does. */
static bool read_ascii(int descriptor, struct verified_text *text)
{
	uint8_t *bytes = room + table->used;
	struct digesting digesting;
	sha256_begin(&digesting.sum);
	digesting.is_followed =
		text->size >= LONG && start_following(&digesting.thread, bytes, add_part, &digesting.sum);
	const bool is_read = read_parts(descriptor, text->size, &digesting);
	if (digesting.is_followed)
		stop_following(&digesting.thread);
	sha256_end(&digesting.sum, text->digest);
	text->characters = (struct characters){bytes, text->size, false};
	return is_read;
}

/* Decodes a file, and then digests the UTF-8 of the characters, because only these are read-only.
 * Returns false if the file is not UTF-8. */
static bool decode(const uint8_t *bytes, struct verified_text *text)
{
	struct characters *characters = &text->characters;
	uint8_t *memory = room + table->used;
	if (!measure_text(bytes, text->size, characters))
		return false;
	decode_text(bytes, text->size, characters->is_wide, memory);
	if (mprotect(memory, whole_pages(memory_of(characters)), PROT_READ) != 0)
		return false;
	characters->memory = memory;
	return digest_characters(characters, text->digest) == text->size;
}

/* Reads a file behind the place of its characters. In memory of libc, another thread could change
 * the bytes between the two times that they are read. */
static bool read_other(int descriptor, struct verified_text *text)
{
	const size_t most = whole_pages(text->size * sizeof(uint16_t));
	uint8_t *bytes = room + table->used + most;
	return open_window(most + text->size) && read_part(descriptor, bytes, text->size, 0) &&
		decode(bytes, text);
}

/* Makes all memory behind the texts writable for the next one. A large window is closed instead, so
 * that its memory goes back to the kernel. */
static void reopen(void)
{
	const size_t used = table->used;
	const size_t size = writable - used;
	if (size <= WINDOW_BYTES && mprotect(room + used, size, PROT_READ | PROT_WRITE) == 0)
		return;
	madvise(room + used, size, MADV_DONTNEED);
	mprotect(room + used, size, PROT_NONE);
	writable = used;
}

/* Returns where the table has the number of the last text with such a digest. */
static uint16_t *bucket_of(const uint8_t digest[SHA256_BYTES])
{
	uint16_t beginning;
	memcpy(&beginning, digest, sizeof beginning);
	return &table->buckets[beginning % BUCKETS];
}

static const struct verified_text *find_digest(const uint8_t digest[SHA256_BYTES])
{
	for (size_t next = *bucket_of(digest); next != 0; next = table->next_in_bucket[next - 1]) {
		if (memcmp(table->texts[next - 1].digest, digest, SHA256_BYTES) == 0)
			return &table->texts[next - 1];
	}
	return NULL;
}

/* Returns NULL if the kernel refuses to make the table writable. */
static const struct verified_text *add(const struct verified_text *text)
{
	const size_t at = atomic_load(&table->count);
	uint16_t *bucket = bucket_of(text->digest);
	if (mprotect(table, sizeof *table, PROT_READ | PROT_WRITE) != 0)
		return NULL;
	table->texts[at] = *text;
	table->next_in_bucket[at] = *bucket;
	*bucket = (uint16_t)(at + 1);
	table->used += whole_pages(memory_of(&text->characters));
	atomic_store(&table->count, at + 1);
	if (mprotect(table, sizeof *table, PROT_READ) != 0)
		fail(UNDECIDED, "ERR_LIMIT", "Cannot go on: the table of texts stays writable: %m");
	return &table->texts[at];
}

/* Reads a file. A text that was read before is taken again, and one that is not named at this path
 * is not kept, so the index bounds the memory. Returns NULL if the text is not kept. */
static const struct verified_text *take(const char *path, int descriptor, size_t size)
{
	struct verified_text text = {.size = size};
	if (room == NULL || atomic_load(&table->count) == MAX_TEXTS || !open_window(size))
		return NULL;
	bool is_read = read_ascii(descriptor, &text);
	if (!is_read) {
		reopen();
		is_read = read_other(descriptor, &text);
	}
	const struct verified_text *kept = is_read ? find_digest(text.digest) : NULL;
	if (is_read && kept == NULL && is_named_text(path, text.digest))
		kept = add(&text);
	reopen();
	return kept;
}

/* Takes the lock. Returns false if another thread has it and the text is not worth the wait. V8
 * then gets a copy in the heap of its thread. Node.js itself keeps long texts outside, so a thread
 * with little memory may have no room for a copy. */
static bool take_lock(size_t size)
{
	return (size < LONG ? pthread_mutex_trylock(&lock) : pthread_mutex_lock(&lock)) == 0;
}

/* Reads the file at this real path, which is open, as a string. Returns NULL if the caller has to
 * read it itself, for example because it is not signed, or because it is not long and another
 * thread reads a file here. The file's offset stays as it is. The addon of the hook calls this. */
__attribute__((visibility("default"))) const void *sigtool_gate_read_text(
	void *environment, const char *path, int descriptor, size_t size, uint8_t digest[SHA256_BYTES])
{
	const struct verified_text *text = NULL;
	if (!is_gate_closed() || size < SHORTEST)
		return NULL;
	require_index();
	if (!take_lock(size))
		return NULL;
	if (can_lend(environment))
		text = take(path, descriptor, size);
	pthread_mutex_unlock(&lock);
	if (text == NULL)
		return NULL;
	memcpy(digest, text->digest, SHA256_BYTES);
	return lend(environment, &text->characters);
}

static int compare_places(const void *key, const void *element)
{
	const uint8_t *place = key;
	const uint8_t *other = ((const struct verified_text *)element)->characters.memory;
	return place < other ? -1 : place > other;
}

const struct verified_text *verified_text_of(const void *string)
{
	bool is_wide = false;
	const void *place = lent_memory(string, &is_wide);
	if (place == NULL || room == NULL)
		return NULL;
	const struct verified_text *text = bsearch(
		place, table->texts, atomic_load(&table->count), sizeof *table->texts, compare_places);
	if (text == NULL || text->characters.is_wide != is_wide ||
		text->characters.count != string_length(string))
		return NULL;
	return text;
}
