/* The file of events.
 *
 * Guarantees that each line covers what stands before it, also if several collectors share the
 * file: each takes a lock, and looks if others have appended lines, before it composes its own. A
 * file that got shorter keeps its former chain, so that whoever verifies it finds what is missing.
 * The collector never shortens or overwrites a file. */
#define _GNU_SOURCE
#include "../trust/event-file.h"
#include "collector.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* A program of the same user can hold a lock on a file that it may read, so nothing waits long. */
enum { LOCK_TRIES = 50, LOCK_PAUSE_MS = 2, RETRY_SECONDS = 10, REOPEN_SECONDS = 60 };

static const char *path;
static int file = -1;
static int reader = -1; /* the same file, or -1 if this user may not read it */
static struct stat opened;
static bool is_regular;

static off_t known_end = -1; /* the size of the file after the last look; -1 before the first */
static bool is_torn; /* the last line has no line feed */
static bool is_rotated; /* the chain comes from the file before */

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Opens the same file for reading, if this user may. Some users may only append. Returns false if
 * nothing was found out about that. */
static bool open_reader(void)
{
	struct stat found;
	if (reader >= 0)
		close(reader);
	reader = -1;
	if (fstat(file, &opened) != 0)
		return false;
	is_regular = S_ISREG(opened.st_mode);
	if (!is_regular)
		return true;
	reader = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (reader < 0)
		return is_answer(errno);
	if (fstat(reader, &found) == 0 && is_same(&found, &opened))
		return true;
	close(reader);
	reader = -1;
	return true;
}

bool open_log(const char *log)
{
	const char *trouble;
	path = log;
	file = event_file(path, true, &trouble);
	return file >= 0 && open_reader();
}

const char *log_path(void)
{
	return path;
}

bool is_of_log(int descriptor)
{
	return descriptor >= 0 && (descriptor == file || descriptor == reader);
}

void close_log(void)
{
	close(file);
	if (reader >= 0)
		close(reader);
}

static bool set_lock(short kind)
{
	struct flock lock = {.l_type = kind, .l_whence = SEEK_SET};
	return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

static time_t seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Waits for the lock for up to a tenth of a second. If that fails, does not wait again for a while,
 * but only tries. Without the lock the lines are written all the same. */
static void take_lock(void)
{
	static time_t failed;
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000 * 1000};
	const bool waits = failed == 0 || seconds_now() - failed >= RETRY_SECONDS;
	if (!is_regular)
		return;
	for (int tried = 0; !set_lock(F_WRLCK); tried++) {
		if (errno != EAGAIN && errno != EACCES)
			return;
		if (!waits || tried == LOCK_TRIES) {
			failed = seconds_now();
			return;
		}
		nanosleep(&pause, NULL);
	}
	failed = 0;
}

void release_log(void)
{
	if (is_regular)
		set_lock(F_UNLCK);
}

static bool ends_in_line_feed(off_t size)
{
	char byte = '\n';
	return size == 0 || reader < 0 || pread(reader, &byte, 1, size - 1) != 1 || byte == '\n';
}

/* Follows the chain to the end of the file if that is not as this process left it. */
static enum beginning find_end(void)
{
	struct stat now;
	if (!is_regular || fstat(file, &now) != 0) {
		const bool is_first = known_end < 0;
		known_end = 0;
		return is_first ? NEW_FILE : NO_BEGINNING;
	}
	const off_t size = now.st_size;
	const off_t before = known_end < 0 ? 0 : known_end;
	const bool was_torn = is_torn;
	const bool was_rotated = is_rotated;
	if (size == known_end)
		return NO_BEGINNING;
	known_end = size;
	is_rotated = false;
	is_torn = !ends_in_line_feed(size);
	if (size < before) {
		if (was_torn)
			extend_chain("\n", 1);
		return AFTER_CUT;
	}
	if (size == 0)
		return was_rotated ? AFTER_ROTATION : NEW_FILE;
	switch (reader < 0 ? UNREADABLE : read_chain(reader, before, size, !was_torn)) {
	case READ:
		return NO_BEGINNING;
	case READ_ON:
		return was_rotated ? AFTER_ROTATION : NO_BEGINNING;
	case TOO_FAR:
		lose_chain();
		return AFTER_UNCOVERED;
	default:
		lose_chain();
		return AFTER_UNREADABLE;
	}
}

/* Begins to use the file that event_file() has opened. */
static void adopt_file(void)
{
	/* A collector that runs goes on without its reader: the beginning then says `unreadable`. */
	open_reader();
	/* The last line of the file before ends there, even if it lacks a line feed. */
	if (is_torn)
		extend_chain("\n", 1);
	known_end = -1;
	is_torn = false;
	is_rotated = true;
}

static bool has_path(void)
{
	struct stat named;
	return file >= 0 && lstat(path, &named) == 0 && is_same(&named, &opened);
}

/* Goes over to the file that has the path. Returns why that is impossible, or NULL. */
static const char *follow_path(void)
{
	static time_t waited;
	struct stat now;
	const char *trouble;
	const bool waits = waited == 0 || seconds_now() - waited >= REOPEN_SECONDS;
	file = event_file(path, waits, &trouble);
	if (trouble != NULL && waits)
		waited = seconds_now();
	if (file >= 0 && fstat(file, &now) == 0 && !is_same(&now, &opened))
		adopt_file();
	return trouble;
}

/* A file that has lost its path gets no lines any more from a collector that takes its lock
 * afterwards, because each looks at the path while it has the lock. So its end, which is found
 * under the lock too, is final, and the next file can carry it on. */
bool acquire_log(enum beginning *beginning, const char **trouble)
{
	enum { MOST_MOVES = 4 };
	*beginning = NO_BEGINNING;
	*trouble = NULL;
	for (int moves = 0;; moves++) {
		if (file >= 0) {
			take_lock();
			*beginning = find_end();
		}
		if (!is_regular || has_path() || *trouble != NULL || moves == MOST_MOVES)
			return file >= 0;
		if (file >= 0)
			release_log();
		*trouble = follow_path();
	}
}

/* Writes the bytes. A pipe whose reader is slow gets a second. */
static ssize_t write_bytes(const char *text, size_t length)
{
	enum { PIPE_MS = 1000 };
	/* A line that a full disk has cut ends where the next one begins. */
	const struct iovec parts[] = {{"\n", is_torn ? 1 : 0}, {(void *)text, length}};
	ssize_t written = writev(file, parts, 2);
	struct pollfd ready = {.fd = file, .events = POLLOUT};
	if (written < 0 && errno == EAGAIN && poll(&ready, 1, PIPE_MS) == 1)
		written = writev(file, parts, 2);
	if (written <= 0)
		return 0;
	known_end += written;
	if (!is_torn)
		return written;
	is_torn = false;
	extend_chain("\n", 1);
	return written - 1;
}

size_t append_to_log(const char *text, const size_t *ends, size_t count)
{
	size_t whole = 0;
	if (count == 0)
		return 0;
	const size_t written = (size_t)write_bytes(text, ends[count - 1]);
	while (whole < count && ends[whole] <= written)
		whole++;
	const size_t end = whole == 0 ? 0 : ends[whole - 1];
	const size_t last = whole < 2 ? 0 : ends[whole - 2];
	if (whole > 0)
		begin_chain(text + last, end - last);
	if (written == end)
		return whole;
	is_torn = true;
	/* Only the line feed may be missing. */
	if (has_chain(text + end, written - end))
		begin_chain(text + end, written - end);
	else
		extend_chain(text + end, written - end);
	return whole;
}
