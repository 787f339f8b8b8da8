/* Guarantees that nothing is read from a file at another path, or from one of another type. */
#include "regular-file.h"
#include "../shared/digest/digest-file.h"
#include "../shared/files/kernel-check.h"
#include "../shared/files/opened-path.h"
#include "../shared/text/utf8.h"
#include "gate-text.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads `file->size` bytes into `file->content`. Returns false if the file has fewer bytes, or if
 * they are not UTF-8. */
static bool read_text(int descriptor, struct regular_file *file)
{
	const ssize_t count =
		digest_file(descriptor, file->content, file->size, true, &file->is_ascii, file->sha256);
	if (count != (ssize_t)file->size)
		return false;
	return file->is_ascii || is_utf8(file->content, file->size);
}

/* Fills in `file` from the descriptor. Returns false under the conditions of
 * read_regular_file(). */
static bool read_descriptor(
	napi_env env, const char *path, int descriptor, double max_bytes, struct regular_file *file)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
		(double)status.st_size > max_bytes)
		return false;
	file->is_executable = kernel_objection(descriptor, status.st_mode) == NULL;
	file->is_of_root = status.st_uid == 0;
	file->is_written_by_owner_alone = (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	file->size = (size_t)status.st_size;
	file->content = NULL;
	file->text_of_gate =
		env == NULL ? NULL : text_of_gate(env, path, descriptor, file->size, file->sha256);
	if (file->text_of_gate != NULL)
		return true;
	file->content = malloc(file->size + 1);
	if (file->content == NULL)
		return false;
	file->content[file->size] = '\0';
	const bool is_read = read_text(descriptor, file);
	if (!is_read)
		free(file->content);
	return is_read;
}

bool read_regular_file(napi_env env, const char *path, double max_bytes, struct regular_file *file)
{
	errno = EINVAL;
	if (!can_digest())
		return false;
	const int descriptor = open_without_links(path);
	if (descriptor < 0)
		return false;
	const bool is_read = read_descriptor(env, path, descriptor, max_bytes, file);
	close(descriptor);
	errno = EINVAL; /* The file exists, so a failure must not leave ENOENT in errno. */
	return is_read;
}
