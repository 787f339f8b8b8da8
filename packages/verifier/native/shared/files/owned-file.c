/* Guarantees that the file which is judged is the file which is read, because both use one
 * descriptor. Each directory above the file is judged by its real path: if nobody else may write to
 * these directories, nobody else can have replaced the file. */
#define _GNU_SOURCE
#include "owned-file.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *fault_of(const struct stat *entry, int trusted)
{
	const bool is_users = (trusted & TRUST_USER) != 0 && entry->st_uid == geteuid();
	const bool is_open = (entry->st_mode & (S_IWGRP | S_IWOTH)) != 0;
	/* A directory with the sticky bit, such as /tmp, is meant for everyone. */
	const bool is_shared = S_ISDIR(entry->st_mode) && (entry->st_mode & S_ISVTX) != 0;
	const bool is_trusted = is_shared && (trusted & TRUST_STICKY) != 0;
	if (entry->st_uid != 0 && !is_users)
		return "it belongs to another user; make root its owner";
	if (is_open && is_shared && !is_trusted)
		return "everyone may write there; use a file below another directory";
	if (is_open && !is_trusted)
		return "others may write it; use chmod go-w";
	return NULL;
}

/* Shortens `path` to the directory above it. */
static void go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash == path)
		slash++;
	*slash = '\0';
}

/* Returns NULL, or the reason why the file cannot be trusted. `place` becomes the path of the
 * fault: the file's real path, or that of a directory above it. errno becomes that of a system call
 * that failed, else 0. */
static const char *fault_at(int file, const char *path, int trusted, char place[PATH_MAX])
{
	struct stat entry;
	if (!real_path_of(file, place) || fstat(file, &entry) != 0)
		return strerror(errno);
	errno = entry.st_nlink == 0 ? ESTALE : 0;
	if (entry.st_nlink == 0)
		return "it was replaced while it was opened";
	if (!S_ISREG(entry.st_mode) || *place != '/')
		return "it is no regular file";
	if (strcmp(place, path) != 0 && (trusted & TRUST_LINKS) == 0)
		return "it was named by another path; name it like this";
	const char *fault = fault_of(&entry, trusted);
	while (fault == NULL && strcmp(place, "/") != 0) {
		go_up(place);
		if (lstat(place, &entry) != 0)
			return strerror(errno);
		errno = 0;
		fault = fault_of(&entry, trusted);
	}
	return fault;
}

static char message[2 * PATH_MAX];

int open_owned(const char *path, int trusted, const char **why)
{
	char place[PATH_MAX];
	*why = message;
	const int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0) {
		const int error = errno;
		snprintf(message, sizeof message, "Cannot open \"%s\": %s", path, strerror(error));
		errno = error;
		return -1;
	}
	const char *fault = fault_at(file, path, trusted, place);
	if (fault == NULL)
		return file;
	const int error = errno;
	snprintf(message, sizeof message, "Cannot trust \"%s\": %s", place, fault);
	close(file);
	errno = error;
	return -1;
}

ssize_t read_all(int file, void *to, size_t room)
{
	size_t filled = 0;
	while (filled < room) {
		const ssize_t count = pread(file, (char *)to + filled, room - filled, (off_t)filled);
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		filled += (size_t)count;
	}
	return (ssize_t)filled;
}

ssize_t read_owned(const char *path, int trusted, char *text, size_t room, const char **why)
{
	const int file = open_owned(path, trusted, why);
	if (file < 0)
		return -1;
	const ssize_t length = read_all(file, text, room);
	const int error = errno;
	close(file);
	if (length < 0) {
		snprintf(message, sizeof message, "Cannot read \"%s\": %s", path, strerror(error));
		errno = error;
		return -1;
	}
	if ((size_t)length == room) {
		snprintf(message, sizeof message, "Cannot read \"%s\": it is larger than %zu bytes", path,
			room - 1);
		errno = 0;
		return -1;
	}
	text[length] = '\0';
	return length;
}

bool real_path_of(int descriptor, char path[PATH_MAX])
{
	/* A thread can have descriptors of its own. After chroot(2), /proc can be a directory of the
	 * program, with links that lie. A link to the kernel's /proc in another place could lead to the
	 * directory of another process, so the file system is not that of /proc/thread-self. */
	char link[40];
	struct statfs system;
	path[0] = '\0';
	if (statfs("/proc", &system) != 0)
		return false;
	if (system.f_type != PROC_SUPER_MAGIC) {
		errno = ENOENT;
		return false;
	}
	snprintf(link, sizeof link, "/proc/thread-self/fd/%d", descriptor);
	const ssize_t length = readlink(link, path, PATH_MAX);
	const bool is_whole = length > 0 && length < PATH_MAX;
	path[is_whole ? length : 0] = '\0';
	if (length == PATH_MAX)
		errno = ENAMETOOLONG;
	return is_whole;
}

void identity_of(const struct stat *s, char identity[IDENTITY])
{
	snprintf(identity, IDENTITY, "%lu:%lu:%ld:%ld.%09ld:%ld.%09ld", s->st_dev, s->st_ino,
		s->st_size, s->st_mtim.tv_sec, s->st_mtim.tv_nsec, s->st_ctim.tv_sec, s->st_ctim.tv_nsec);
}
