#define _GNU_SOURCE
#include "owned-file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fault_of(const struct stat *entry, int trusted)
{
	bool is_owned = entry->st_uid == 0 || ((trusted & TRUST_USER) && entry->st_uid == geteuid());
	bool is_sticky =
		(trusted & TRUST_STICKY) && S_ISDIR(entry->st_mode) && (entry->st_mode & S_ISVTX);
	if (!is_owned)
		return "it belongs to another user; make root its owner";
	return (entry->st_mode & 022) && !is_sticky ? "others may write it; use chmod go-w" : NULL;
}

/* NULL, or what is wrong with what lies at `place`; that is the path, then each directory above it.
 */
static const char *fault_at(int file, const char *path, int trusted, char place[PATH_MAX])
{
	struct stat entry;
	if (!real_path_of(file, place) || fstat(file, &entry) != 0)
		return strerror(errno);
	if (!S_ISREG(entry.st_mode) || *place != '/')
		return "it is no regular file";
	if (strcmp(place, path) != 0 && !(trusted & TRUST_LINKS))
		return "it was named by another path; name it like this";
	const char *fault = fault_of(&entry, trusted);
	while (fault == NULL && strcmp(place, "/") != 0) {
		char *slash = strrchr(place, '/');
		slash[slash == place] = '\0';
		fault = lstat(place, &entry) != 0 ? strerror(errno) : fault_of(&entry, trusted);
	}
	return fault;
}

static char message[2 * PATH_MAX];

int open_owned(const char *path, int trusted, const char **why)
{
	char place[PATH_MAX];
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *fault = file < 0 ? strerror(errno) : fault_at(file, path, trusted, place);
	if (fault == NULL)
		return file;
	snprintf(message, sizeof message,
		file < 0 ? "Cannot open \"%s\": %s" : "Cannot trust \"%s\": %s", file < 0 ? path : place,
		fault);
	*why = message;
	if (file >= 0)
		close(file);
	return -1;
}

ssize_t read_all(int file, void *to, size_t room)
{
	size_t filled = 0;
	for (ssize_t count = 1; filled < room && count != 0; filled += (size_t)count)
		if ((count = pread(file, (char *)to + filled, room - filled, (off_t)filled)) < 0)
			return -1;
	return (ssize_t)filled;
}

ssize_t read_owned(const char *path, int trusted, char *text, size_t room, const char **why)
{
	int file = open_owned(path, trusted, why);
	if (file < 0)
		return -1;
	const ssize_t length = read_all(file, text, room);
	const int error = errno;
	close(file);
	if (length >= 0 && (size_t)length < room) {
		text[length] = '\0';
		return length;
	}
	if (length < 0)
		snprintf(message, sizeof message, "Cannot read \"%s\": %s", path, strerror(error));
	else
		snprintf(message, sizeof message, "Cannot read \"%s\": it is not less than %zu KiB", path,
			room >> 10);
	*why = message;
	return -1;
}

bool real_path_of(int descriptor, char path[PATH_MAX])
{
	char link[32];
	snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
	ssize_t length = readlink(link, path, PATH_MAX - 1);
	path[length < 0 ? 0 : length] = '\0';
	if (length == PATH_MAX - 1)
		errno = ENAMETOOLONG;
	return length > 0 && length < PATH_MAX - 1;
}

void identity_of(const struct stat *s, char identity[IDENTITY])
{
	snprintf(identity, IDENTITY, "%lu:%lu:%ld:%ld.%09ld:%ld.%09ld", s->st_dev, s->st_ino,
		s->st_size, s->st_mtim.tv_sec, s->st_mtim.tv_nsec, s->st_ctim.tv_sec, s->st_ctim.tv_nsec);
}
