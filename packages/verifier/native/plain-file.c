/*
 * SHA-256 is that of the OpenSSL inside Node.js, the one node:crypto uses. Where Node.js does not
 * export it, no file is plain.
 */

#define _GNU_SOURCE
#include "plain-file.h"
#include "digest-file.h"
#include "kernel-check.h"
#include "utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/openat2.h, where headers are older. */
enum { OPENAT2 = 437, NO_SYMLINKS = 0x04 };
struct how {
	uint64_t flags, mode, resolve;
};

/* Whether the path is the one that the kernel would give back for it: no empty step, no `.`, no
 * `..`. */
static bool is_normal(const char *path)
{
	if (*path != '/')
		return false;
	for (const char *step = path; *step == '/';) {
		const char *end = ++step;
		while (*end != '\0' && *end != '/')
			end++;
		size_t length = (size_t)(end - step);
		if (length == 0 || (step[0] == '.' && (length == 1 || (length == 2 && step[1] == '.'))))
			return false;
		step = end;
	}
	return true;
}

static bool read_open(int descriptor, double max_bytes, struct plain_file *file)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
		(double)status.st_size > max_bytes)
		return false;
	file->is_executable = kernel_objection(descriptor, status.st_mode) == NULL;
	file->size = (size_t)status.st_size;
	file->content = malloc(file->size + 1);
	if (file->content == NULL)
		return false;
	file->content[file->size] = '\0';
	bool is_read = digest_file(descriptor, file->content, file->size, true, &file->is_ascii,
					   file->sha256) == (ssize_t)file->size &&
				   (file->is_ascii || is_utf8(file->content, file->size));
	if (!is_read)
		free(file->content);
	return is_read;
}

bool read_plain_file(const char *path, double max_bytes, struct plain_file *file)
{
	errno = EINVAL;
	if (!can_digest() || !is_normal(path))
		return false;
	struct how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = NO_SYMLINKS};
	int descriptor = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
	if (descriptor < 0)
		return false;
	bool is_read = read_open(descriptor, max_bytes, file);
	close(descriptor);
	errno = EINVAL; /* Whatever failed, something is there. */
	return is_read;
}
