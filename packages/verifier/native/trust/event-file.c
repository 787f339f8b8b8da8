/* Guarantees that events go to the file that has the path now, or to the file that had it. A file
 * is opened again only if nobody but root, this user, or the owner of the former file can have put
 * it there. */
#define _GNU_SOURCE
#include "event-file.h"
#include "../shared/events/event-line.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file = -1;
static struct stat opened; /* the answer of fstat(2) when `file` was opened */
static int opened_flags; /* the flags of `file` when it was opened */
static _Thread_local off_t size_before; /* when this thread last called event_file() */

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Returns true if `file` is still the file that was opened, with `*now` as its state. A program may
 * have closed the descriptor and opened another file with the same number. It may also have changed
 * the flags: with O_DIRECT no line could be written. */
static bool is_own(struct stat *now)
{
	if (file < 0 || fstat(file, now) != 0 || !is_same(now, &opened))
		return false;
	const int flags = fcntl(file, F_GETFL);
	const int kept = O_ACCMODE | O_APPEND;
	if ((flags & kept) != (opened_flags & kept))
		return false;
	return flags == opened_flags || fcntl(file, F_SETFL, opened_flags) == 0;
}

/* Returns why a file that was opened again cannot be used, or NULL. */
static const char *objection_to(const struct stat *next)
{
	if (!S_ISREG(next->st_mode))
		return "it is no regular file";
	if (next->st_nlink != 1)
		return "it has several names, or none any more";
	if (next->st_uid != 0 && next->st_uid != opened.st_uid && next->st_uid != geteuid())
		return "it belongs to another user";
	return NULL;
}

/* Opens the file for the first time. Any file is accepted that can be appended to. */
static int open_first(const char *path)
{
	file = open_event_file(path, true, true);
	if (file >= 0 && fstat(file, &opened) != 0) {
		close(file);
		file = -1;
	}
	if (file >= 0)
		opened_flags = fcntl(file, F_GETFL);
	size_before = opened.st_size;
	return file;
}

/* Makes `file` the file that the path names. Returns the reason if that fails, else NULL. */
static const char *open_again(const char *path, bool replaces, bool creates, bool waits)
{
	struct stat status;
	const int next = open_event_file(path, creates, waits);
	if (next < 0 || fstat(next, &status) != 0)
		return strerror(errno);
	const char *objection = objection_to(&status);
	if (objection != NULL) {
		close(next);
		errno = EPERM;
		return objection;
	}
	opened_flags = fcntl(next, F_GETFL);
	if (!replaces) {
		opened = status;
		file = next;
		return NULL;
	}
	/* The number stays the same, so that no other thread writes to a closed descriptor. */
	const int result = dup3(next, file, O_CLOEXEC);
	const int error = errno;
	close(next);
	errno = error;
	if (result < 0)
		return strerror(error);
	opened = status;
	return NULL;
}

/* The kernel counts for each open(2) how far it has written. A descriptor that meant another file
 * when the line was written, and means the events file again, was left behind. */
bool is_appended_to(int descriptor, size_t bytes)
{
	struct stat now;
	if (descriptor != file || !is_own(&now))
		return false;
	const off_t end = lseek(descriptor, 0, SEEK_CUR);
	return !S_ISREG(now.st_mode) || (end >= size_before + (off_t)bytes && end <= now.st_size);
}

int event_file(const char *path, bool waits, const char **trouble)
{
	struct stat now;
	struct stat named;
	*trouble = NULL;
	if (file < 0)
		return open_first(path);
	const bool owns = is_own(&now);
	const bool has_name = owns && now.st_nlink > 0;
	size_before = owns ? now.st_size : 0;
	if (has_name && lstat(path, &named) == 0 && is_same(&now, &named))
		return file;
	*trouble = open_again(path, owns, !has_name, waits && has_name);
	if (*trouble != NULL && !has_name)
		return -1;
	if (*trouble == NULL)
		size_before = opened.st_size;
	return file;
}
