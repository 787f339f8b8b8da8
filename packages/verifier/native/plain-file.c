/*
 * SHA-256 is that of the OpenSSL inside Node.js, the one node:crypto uses. Where Node.js does not export it, no file is
 * plain.
 */

#define _GNU_SOURCE
#include "plain-file.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The part of OpenSSL 3 that is used here. */
typedef struct evp_md_st EVP_MD;
#pragma weak EVP_MD_fetch
#pragma weak EVP_Digest
EVP_MD *EVP_MD_fetch(void *library, const char *algorithm, const char *properties);
int EVP_Digest(const void *content, size_t bytes, unsigned char *digest, unsigned *digest_bytes, const EVP_MD *, void *engine);

/* linux/openat2.h, statfs(2), uapi/linux/fcntl.h, where headers are older. */
enum { OPENAT2 = 437, NO_SYMLINKS = 0x04, MOUNTED_NOEXEC = 0x0008, EXECVE_CHECK = 0x10000 };
struct how {
	uint64_t flags, mode, resolve;
};

static EVP_MD *sha256;
static void fetch_sha256(void)
{
	if (EVP_MD_fetch != NULL && EVP_Digest != NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Whether the path is the one that the kernel would give back for it: no empty step, no `.`, no `..`. */
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

static bool read_all(int file, unsigned char *content, size_t size)
{
	for (size_t filled = 0; filled < size;) {
		ssize_t count = read(file, content + filled, size - filled);
		if (count == 0 || (count < 0 && errno != EINTR))
			return false;
		if (count > 0)
			filled += (size_t)count;
	}
	return true;
}

static bool read_open(int descriptor, double max_bytes, struct plain_file *file)
{
	struct stat status;
	struct statfs mount;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || (double)status.st_size > max_bytes ||
		fstatfs(descriptor, &mount) != 0)
		return false;
	char *const nothing[] = {NULL};
	long check = syscall(SYS_execveat, descriptor, "", nothing, nothing, AT_EMPTY_PATH | EXECVE_CHECK);
	file->check = check == 0 ? 0 : errno;
	file->is_noexec = (mount.f_flags & MOUNTED_NOEXEC) != 0;
	file->size = (size_t)status.st_size;
	file->content = malloc(file->size + 1);
	if (file->content == NULL)
		return false;
	if (read_all(descriptor, file->content, file->size) && EVP_Digest(file->content, file->size, file->sha256, NULL, sha256, NULL))
		return true;
	free(file->content);
	return false;
}

bool read_plain_file(const char *path, double max_bytes, struct plain_file *file)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch_sha256);
	if (sha256 == NULL || !is_normal(path))
		return false;
	struct how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = NO_SYMLINKS};
	int descriptor = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
	if (descriptor < 0)
		return false;
	bool is_read = read_open(descriptor, max_bytes, file);
	close(descriptor);
	return is_read;
}
