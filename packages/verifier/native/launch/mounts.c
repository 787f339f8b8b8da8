/* Guarantees that two paths of one file are recognized when a bind mount, or a second mount of a
 * file system, gives the file its second path. Therefore a file's place is described by the device
 * of its file system and by its path within that file system. Both come from /proc/self/mountinfo
 * (proc_pid_mountinfo(5)).
 *
 * This file assumes that nothing is mounted or unmounted during the start. It cannot find out that
 * one file system shows the files of another, as overlayfs and network file systems do. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MAX_MOUNTS = 4096, MAX_MOUNTINFO_BYTES = 1 << 20 };

/* The texts in `mounts` point into `mountinfo`. */
static char mountinfo[MAX_MOUNTINFO_BYTES + 1];
static struct mount mounts[MAX_MOUNTS];
static size_t count;

const char *below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);
	if (strcmp(directory, "/") == 0)
		return strcmp(path, "/") == 0 ? "" : path;
	if (strncmp(path, directory, length) != 0)
		return NULL;
	return path[length] == '/' || path[length] == '\0' ? path + length : NULL;
}

void join(char path[PATH_MAX], const char *directory, const char *rest)
{
	const bool is_root = strcmp(directory, "/") == 0;
	const bool is_whole = *rest == '\0';
	const int length =
		snprintf(path, PATH_MAX, "%s%s", is_root && !is_whole ? "" : directory, rest);
	if (length >= PATH_MAX)
		fail(REFUSED, "Cannot make directories writable: the path of \"%s\" is too long", rest);
}

static bool is_octal(char character)
{
	return character >= '0' && character <= '7';
}

/* Decodes the octal escapes of mountinfo in place: the kernel writes a space, a tab, a line break,
 * a backslash and `#` as a backslash and three digits. */
static void decode(char *text)
{
	char *to = text;
	while (*text != '\0') {
		char character = *text;
		size_t length = 1;
		if (character == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3])) {
			character = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			length = 4;
		}
		*to = character;
		to++;
		text += length;
	}
	*to = '\0';
}

/* Reads a line: number, parent's number, device, root, mount point, options, optional fields, `-`,
 * type, and other fields. Returns false if the line has another form. */
static bool read_line(char *line, struct mount *mount)
{
	const char *number = strsep(&line, " ");
	const char *parent = strsep(&line, " ");
	mount->device = strsep(&line, " ");
	char *root = strsep(&line, " ");
	char *point = strsep(&line, " ");
	const char *field = strsep(&line, " ");
	while (field != NULL && strcmp(field, "-") != 0)
		field = strsep(&line, " ");
	mount->type = strsep(&line, " ");
	if (parent == NULL || mount->type == NULL || *point != '/')
		return false;
	mount->number = strtoul(number, NULL, 10);
	decode(root);
	decode(point);
	mount->root = root;
	mount->point = point;
	return true;
}

void read_mounts(void)
{
	const int file = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t filled = 0;
	ssize_t got = -1;
	if (file >= 0) {
		do {
			got = read(file, mountinfo + filled, MAX_MOUNTINFO_BYTES - filled);
			if (got > 0)
				filled += (size_t)got;
		} while (got > 0);
		close(file);
	}
	if (got < 0)
		fail(UNDECIDED, "Cannot make directories writable: /proc does not tell what is mounted");
	if (filled == MAX_MOUNTINFO_BYTES)
		fail(REFUSED, "Cannot make directories writable: more than %d KiB of mounts",
			MAX_MOUNTINFO_BYTES >> 10);
	mountinfo[filled] = '\0';

	char *rest = mountinfo;
	while (*rest != '\0') {
		char *line = strsep(&rest, "\n");
		if (count == MAX_MOUNTS)
			fail(REFUSED, "Cannot make directories writable: more than %d mounts", MAX_MOUNTS);
		if (!read_line(line, &mounts[count]))
			fail(REFUSED, "Cannot make directories writable: a mount cannot be read");
		count++;
		if (rest == NULL)
			break;
	}
}

const struct mount *next_mount_beneath(const struct mount *last, const char *directory)
{
	for (size_t i = last == NULL ? 0 : (size_t)(last - mounts) + 1; i < count; i++) {
		const char *rest = below(mounts[i].point, directory);
		if (rest != NULL && *rest != '\0')
			return &mounts[i];
	}
	return NULL;
}

/* Returns the number of the mount of an open file, or 0 if /proc does not tell it. statx() is not
 * used, because it returns this number only from Linux 5.8 and glibc 2.33 on. */
static unsigned long mount_number(int descriptor)
{
	static const char KEY[] = "mnt_id:";
	char name[48];
	char text[1024];
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", descriptor);
	const int file = open(name, O_RDONLY | O_CLOEXEC);
	const ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (length < 0)
		require_answer(name);
	close(file);
	text[length < 0 ? 0 : length] = '\0';
	const char *line = strstr(text, KEY);
	return line == NULL ? 0 : strtoul(line + strlen(KEY), NULL, 10);
}

/* Reports that /proc/self/mountinfo does not list the mount of a path. Only the first such path is
 * reported. This happens below chroot(2) into a directory that is no mount point. Such a path can
 * be compared only with other paths on unlisted mounts. */
static void report_unlisted(const char *real, const struct settings *settings)
{
	static bool is_reported;
	if (!is_reported)
		cannot_tell(settings, "on which mount \"%s\" is, so it may have another path", real);
	is_reported = true;
}

void locate(
	int descriptor, const char *real, struct location *location, const struct settings *settings)
{
	const unsigned long number = mount_number(descriptor);
	for (size_t i = 0; i < count; i++) {
		if (mounts[i].number != number)
			continue;
		const char *rest = below(real, mounts[i].point);
		if (rest == NULL)
			break;
		location->mount = &mounts[i];
		snprintf(location->device, sizeof location->device, "%s", mounts[i].device);
		join(location->path, mounts[i].root, rest);
		return;
	}
	report_unlisted(real, settings);
	struct stat status;
	const int failed = fstat(descriptor, &status);
	location->mount = NULL;
	snprintf(location->device, sizeof location->device, "%u:%u below a root",
		failed ? 0 : major(status.st_dev), failed ? 0 : minor(status.st_dev));
	join(location->path, real, "");
}

void locate_root(const struct mount *mount, struct location *location)
{
	location->mount = mount;
	snprintf(location->device, sizeof location->device, "%s", mount->device);
	join(location->path, mount->root, "");
}

bool overlap(const struct location *one, const struct location *other)
{
	if (strcmp(one->device, other->device) != 0)
		return false;
	return below(one->path, other->path) != NULL || below(other->path, one->path) != NULL;
}
