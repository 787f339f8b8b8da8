/*
 * Hashes one file. Guarantees that a digest belongs to content that the file had during the whole
 * reading. A file that changed meanwhile gets the state `changed`. A change is found by fstat():
 * the size must be the number of bytes that were read. If the file is large or was changed in the
 * last SETTLED_SECONDS, its mtime and ctime must also stay the same until the end of the reading.
 *
 * Only regular files that need no parsing are hashed here. Any other row (a possible PE file or
 * cabinet, a directory, a file that cannot be opened) is put on the list of rows that JavaScript
 * hashes, because JavaScript can parse these files and report their errors. The OpenSSL inside
 * Node.js computes SHA-256, as for node:crypto.
 */

#define _GNU_SOURCE
#include "job.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __APPLE__
#define MTIME st_mtimespec
#define CTIME st_ctimespec
#else
#define MTIME st_mtim
#define CTIME st_ctim
#endif

/* These are the values of ROW_STATE (shared-rows.ts) and ENTRY_KIND (manifest.ts) that this file
 * uses. */
enum { WAITING = 0, CHANGED = 2 };
enum { KIND_FILE = 0 };

enum outcome { HASHED, CHANGED_MEANWHILE, FOR_JAVASCRIPT };

enum {
	/* PE files (MZ) and cabinets (MSCF) begin with this byte. */
	AUTHENTICODE_FIRST_BYTE = 'M',
	/* If mtime and ctime of a small file are more than this number of seconds ago, the file did not
	 * change while it was read. hash-file.ts says why. */
	SETTLED_SECONDS = 3,
};

static void give_to_javascript(struct job *job, int32_t row);
static enum outcome hash_path(struct lane *lane, int32_t row);
static enum outcome hash_file(struct lane *lane, int32_t row, int file);
static enum outcome hash_content(
	struct lane *lane, int file, ssize_t bytes, off_t size, uint8_t *digest);
static bool changed_since(int file, const struct stat *before);
static enum outcome attach_digest(struct lane *lane, int file, off_t size, const uint8_t *digest);

bool hash_row(struct lane *lane, int32_t row)
{
	struct job *job = lane->job;
	if (job->states[row] != WAITING)
		return true;
	const enum outcome outcome = hash_path(lane, row);
	if (outcome == FOR_JAVASCRIPT) {
		give_to_javascript(job, row);
		return false;
	}
	if (outcome == CHANGED_MEANWHILE)
		job->states[row] = CHANGED;
	return true;
}

/* Appends the row to the list of rows that JavaScript hashes. An element of the list is the number
 * of a row plus one. */
static void give_to_javascript(struct job *job, int32_t row)
{
	const int32_t index = atomic_fetch_add(&job->counters[BIG_MET], 1);
	atomic_store(&job->big_rows[index], row + 1);
}

static enum outcome hash_path(struct lane *lane, int32_t row)
{
	struct job *job = lane->job;
	const size_t start = job->path_offsets[row];
	const size_t length = job->path_offsets[row + 1] - start;
	if (length >= PATH_BYTES)
		return FOR_JAVASCRIPT;
	char *path = lane->path + lane->root_bytes;
	memcpy(path, job->path_bytes + start, length);
	path[length] = '\0';

	const int file = openat(lane->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return FOR_JAVASCRIPT;
	const enum outcome outcome = hash_file(lane, row, file);
	close(file);
	return outcome;
}

/* Hashes an open file. The first pread() comes before fstat(), so that the times from fstat() also
 * show a change during this pread(). A small file is read by this one pread(). */
static enum outcome hash_file(struct lane *lane, int32_t row, int file)
{
	struct job *job = lane->job;
	const time_t now = time(NULL);
	const ssize_t bytes = pread(file, lane->buffer, BUFFER_BYTES, 0);
	if (bytes < 0)
		return FOR_JAVASCRIPT;
	struct stat st;
	if (fstat(file, &st) != 0 || !S_ISREG(st.st_mode))
		return FOR_JAVASCRIPT;
	if (bytes > 0 && lane->buffer[0] == AUTHENTICODE_FIRST_BYTE)
		return FOR_JAVASCRIPT;
	const time_t settled_before = now - SETTLED_SECONDS;
	const bool is_whole = bytes == st.st_size && bytes < BUFFER_BYTES;
	const bool is_settled = st.st_mtime < settled_before && st.st_ctime < settled_before;

	uint8_t *digest = job->digests + (size_t)DIGEST_BYTES * (size_t)row;
	const enum outcome outcome = hash_content(lane, file, bytes, st.st_size, digest);
	if (outcome != HASHED)
		return outcome;
	const bool is_certain = is_whole && is_settled;
	if (!is_certain && changed_since(file, &st))
		return CHANGED_MEANWHILE;
	job->kinds[row] = KIND_FILE;
	job->modes[row] = (uint16_t)(st.st_mode & 07777);
	job->sizes[row] = (double)st.st_size;
	if (job->attributes.count == 0)
		return HASHED;
	return attach_digest(lane, file, st.st_size, digest);
}

/* Digests a file of `size` bytes. The first `bytes` bytes are already in the buffer. */
static enum outcome hash_content(
	struct lane *lane, int file, ssize_t bytes, off_t size, uint8_t *digest)
{
	struct job *job = lane->job;
	off_t done = 0;
	EVP_DigestInit_ex(lane->context, job->sha256, NULL);
	for (;;) {
		EVP_DigestUpdate(lane->context, lane->buffer, (size_t)bytes);
		job->thread_bytes[lane->number] += (double)bytes;
		done += bytes;
		if (done >= size || bytes == 0 || atomic_load(&job->counters[ABANDONED]))
			break;
		bytes = pread(file, lane->buffer, BUFFER_BYTES, done);
		if (bytes < 0)
			return FOR_JAVASCRIPT;
	}
	if (done != size)
		return CHANGED_MEANWHILE;
	const int is_digested = EVP_DigestFinal_ex(lane->context, digest, NULL);
	return is_digested ? HASHED : FOR_JAVASCRIPT;
}

/* Writes the attributes, then reads the content once more. If the content has changed, the previous
 * values are restored, so that the file keeps no value that does not match its content. */
static enum outcome attach_digest(struct lane *lane, int file, off_t size, const uint8_t *digest)
{
	const struct attributes *attributes = &lane->job->attributes;
	struct attachment attachment;
	const bool is_attached = attach(attributes, file, lane->path, digest, &attachment);
	if (!is_attached)
		return FOR_JAVASCRIPT;
	if (attachment.written > 0) {
		uint8_t again[DIGEST_BYTES];
		const ssize_t bytes = pread(file, lane->buffer, BUFFER_BYTES, 0);
		const bool is_same = bytes >= 0 && hash_content(lane, file, bytes, size, again) == HASHED &&
			memcmp(again, digest, sizeof again) == 0;
		if (!is_same) {
			detach(attributes, file, &attachment);
			return CHANGED_MEANWHILE;
		}
	}
	count_attached(attributes, &attachment);
	return HASHED;
}

/* Returns true if the size or a time differs from `before`, or if fstat() fails. */
static bool changed_since(int file, const struct stat *before)
{
	struct stat after;
	if (fstat(file, &after) != 0)
		return true;
	return after.st_size != before->st_size ||
		memcmp(&after.MTIME, &before->MTIME, sizeof after.MTIME) != 0 ||
		memcmp(&after.CTIME, &before->CTIME, sizeof after.CTIME) != 0;
}
