/*
 * Hashes files. Guarantees that a digest belongs to content that the file had during the whole
 * reading. A file that changed meanwhile gets the state `changed`. A change is found by fstat():
 * the size must be the number of bytes that were read. If the file is large or was changed in the
 * last SETTLED_SECONDS, its mtime and ctime must also stay the same until the end of the reading.
 *
 * Only regular files that need no parsing are hashed here. Any other row (a possible PE file or
 * cabinet, a directory, a file that cannot be opened) is put on the list of rows that JavaScript
 * hashes, because JavaScript can parse these files and report their errors.
 *
 * A lane reads as many files at once as are worth digesting at once. When one of them ends, it
 * begins the next one.
 */

#define _GNU_SOURCE
#include "job.h"

#include <fcntl.h>
#include <string.h>
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

enum outcome { READING, HASHED, CHANGED_MEANWHILE, FOR_JAVASCRIPT };

enum {
	/* PE files (MZ) and cabinets (MSCF) begin with this byte. */
	AUTHENTICODE_FIRST_BYTE = 'M',
	/* If mtime and ctime of a small file are more than this number of seconds ago, the file did not
	 * change while it was read. hash-file.ts says why. */
	SETTLED_SECONDS = 3,
};

static bool has_blocks(struct lane *lane, struct reading *reading);
static enum outcome begin_row(struct lane *lane, struct reading *reading);
static enum outcome begin_file(struct lane *lane, struct reading *reading);
static enum outcome read_piece(struct lane *lane, struct reading *reading, size_t filled);
static enum outcome end_content(struct lane *lane, struct reading *reading);
static enum outcome attach_digest(struct lane *lane, struct reading *reading);
static bool changed_since(int file, const struct stat *before);
static void end_row(struct lane *lane, struct reading *reading, enum outcome outcome);
static void give_to_javascript(struct job *job, int32_t row);
static bool copy_path(struct lane *lane, int32_t row);

void hash_rows(struct lane *lane)
{
	for (;;) {
		struct digest *digests[MAX_DIGESTS];
		int count = 0;
		for (int i = 0; i < lane->reading_count; i++) {
			struct reading *reading = &lane->readings[i];
			if (has_blocks(lane, reading))
				digests[count++] = &reading->digest;
		}
		if (count == 0)
			return;
		digest_blocks(digests, count);
	}
}

/* Reads, ends rows and begins others until there are blocks to digest. Returns false if there is no
 * row to begin. */
static bool has_blocks(struct lane *lane, struct reading *reading)
{
	while (reading->digest.blocks == 0) {
		enum outcome outcome;
		if (reading->row == NO_ROW) {
			reading->row = claim_row(lane);
			if (reading->row == NO_ROW)
				return false;
			outcome = begin_row(lane, reading);
		} else if (reading->done < reading->before.st_size)
			outcome = read_piece(lane, reading, 0);
		else
			outcome = end_content(lane, reading);
		if (outcome != READING)
			end_row(lane, reading, outcome);
	}
	return true;
}

static enum outcome begin_row(struct lane *lane, struct reading *reading)
{
	reading->file = -1;
	reading->attachment.written = 0;
	if (lane->job->states[reading->row] != WAITING)
		return HASHED;
	if (!copy_path(lane, reading->row))
		return FOR_JAVASCRIPT;
	const char *path = lane->path + lane->root_bytes;
	reading->file = openat(lane->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return reading->file < 0 ? FOR_JAVASCRIPT : begin_file(lane, reading);
}

/* Begins with an open file. The first pread() comes before fstat(), so that the times from fstat()
 * also show a change during this pread(). A small file is read by this one pread(). */
static enum outcome begin_file(struct lane *lane, struct reading *reading)
{
	const time_t now = time(NULL);
	const ssize_t bytes = pread(reading->file, reading->buffer, BUFFER_BYTES, 0);
	if (bytes < 0)
		return FOR_JAVASCRIPT;
	struct stat *before = &reading->before;
	if (fstat(reading->file, before) != 0 || !S_ISREG(before->st_mode))
		return FOR_JAVASCRIPT;
	if (bytes > 0 && reading->buffer[0] == AUTHENTICODE_FIRST_BYTE)
		return FOR_JAVASCRIPT;
	const time_t settled_before = now - SETTLED_SECONDS;
	const bool is_whole = bytes == before->st_size && bytes < BUFFER_BYTES;
	reading->is_certain =
		is_whole && before->st_mtime < settled_before && before->st_ctime < settled_before;
	reading->done = 0;
	begin_digest(&reading->digest);
	return read_piece(lane, reading, (size_t)bytes);
}

/* Fills the buffer, which already has `filled` bytes of the content from `done` on, and gives it to
 * the digest. */
static enum outcome read_piece(struct lane *lane, struct reading *reading, size_t filled)
{
	struct job *job = lane->job;
	const off_t size = reading->before.st_size;
	while (filled < BUFFER_BYTES && reading->done + (off_t)filled < size) {
		const ssize_t bytes = pread(reading->file, reading->buffer + filled, BUFFER_BYTES - filled,
			reading->done + (off_t)filled);
		if (bytes < 0)
			return FOR_JAVASCRIPT;
		if (bytes == 0)
			return CHANGED_MEANWHILE;
		filled += (size_t)bytes;
	}
	reading->done += (off_t)filled;
	job->thread_bytes[lane->number] += (double)filled;
	if (reading->done > size || atomic_load(&job->counters[ABANDONED]))
		return CHANGED_MEANWHILE;
	give_piece(&reading->digest, reading->buffer, filled, reading->done == size);
	return READING;
}

/* Ends the first reading of a content, or the second one after attributes were written. */
static enum outcome end_content(struct lane *lane, struct reading *reading)
{
	struct job *job = lane->job;
	const struct attributes *attributes = &job->attributes;
	uint8_t *digest = job->digests + (size_t)DIGEST_BYTES * (size_t)reading->row;
	uint8_t found[DIGEST_BYTES];
	if (!end_digest(&reading->digest, found))
		return FOR_JAVASCRIPT;
	if (reading->attachment.written > 0) {
		if (memcmp(found, digest, sizeof found) != 0)
			return CHANGED_MEANWHILE;
		count_attached(attributes, &reading->attachment);
		return HASHED;
	}
	if (!reading->is_certain && changed_since(reading->file, &reading->before))
		return CHANGED_MEANWHILE;
	memcpy(digest, found, sizeof found);
	job->kinds[reading->row] = KIND_FILE;
	job->modes[reading->row] = (uint16_t)(reading->before.st_mode & 07777);
	job->sizes[reading->row] = (double)reading->before.st_size;
	return attributes->count == 0 ? HASHED : attach_digest(lane, reading);
}

/* Writes the attributes. If any was written, the content is read once more, so that the file keeps
 * no value that does not match its content. */
static enum outcome attach_digest(struct lane *lane, struct reading *reading)
{
	const struct job *job = lane->job;
	struct attachment *attachment = &reading->attachment;
	const uint8_t *digest = job->digests + (size_t)DIGEST_BYTES * (size_t)reading->row;
	copy_path(lane, reading->row);
	if (!attach(&job->attributes, reading->file, lane->path, digest, attachment)) {
		attachment->written = 0;
		return FOR_JAVASCRIPT;
	}
	if (attachment->written == 0) {
		count_attached(&job->attributes, attachment);
		return HASHED;
	}
	reading->done = 0;
	begin_digest(&reading->digest);
	return read_piece(lane, reading, 0);
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

/* Ends a row. If the second reading failed or found another content, the attributes get their
 * previous values back. */
static void end_row(struct lane *lane, struct reading *reading, enum outcome outcome)
{
	struct job *job = lane->job;
	if (reading->attachment.written > 0 && outcome != HASHED) {
		detach(&job->attributes, reading->file, &reading->attachment);
		outcome = CHANGED_MEANWHILE;
	}
	if (reading->file >= 0)
		close(reading->file);
	if (outcome == CHANGED_MEANWHILE)
		job->states[reading->row] = CHANGED;
	if (outcome == FOR_JAVASCRIPT)
		give_to_javascript(job, reading->row);
	else
		atomic_fetch_add(&job->counters[FINISHED], 1);
	reading->row = NO_ROW;
}

/* Appends the row to the list of rows that JavaScript hashes. An element of the list is the number
 * of a row plus one. */
static void give_to_javascript(struct job *job, int32_t row)
{
	const int32_t index = atomic_fetch_add(&job->counters[BIG_MET], 1);
	atomic_store(&job->big_rows[index], row + 1);
}

/* Copies the path of a row behind the path of the root. Returns false if it is too long. */
static bool copy_path(struct lane *lane, int32_t row)
{
	const struct job *job = lane->job;
	const size_t start = job->path_offsets[row];
	const size_t length = job->path_offsets[row + 1] - start;
	if (length >= PATH_BYTES)
		return false;
	char *path = lane->path + lane->root_bytes;
	memcpy(path, job->path_bytes + start, length);
	path[length] = '\0';
	return true;
}
