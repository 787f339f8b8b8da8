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
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The part of OpenSSL 3 that is used here. */
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
#define EXPORTED __attribute__((weak))
EXPORTED EVP_MD *EVP_MD_fetch(void *library, const char *algorithm, const char *properties);
EXPORTED EVP_MD_CTX *EVP_MD_CTX_new(void);
EXPORTED void EVP_MD_CTX_free(EVP_MD_CTX *);
EXPORTED int EVP_DigestInit_ex(EVP_MD_CTX *, const EVP_MD *, void *engine);
EXPORTED int EVP_DigestUpdate(EVP_MD_CTX *, const void *content, size_t bytes);
EXPORTED int EVP_DigestFinal_ex(EVP_MD_CTX *, unsigned char *digest, unsigned *bytes);

/* linux/openat2.h, statfs(2), uapi/linux/fcntl.h, where headers are older. */
enum { OPENAT2 = 437, NO_SYMLINKS = 0x04, MOUNTED_NOEXEC = 0x0008, EXECVE_CHECK = 0x10000, PART_BYTES = 128 << 10, RUN_BYTES = 64, LEAST_THREADED = 1 << 20 };
struct how {
	uint64_t flags, mode, resolve;
};

static EVP_MD *sha256;
static void fetch_sha256(void)
{
	if (EVP_MD_fetch != NULL && EVP_MD_CTX_new != NULL && EVP_DigestUpdate != NULL)
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

static bool has_high_bit(const unsigned char *bytes, size_t size)
{
	uint64_t seen = 0, word;
	for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
		memcpy(&word, bytes, sizeof word);
		seen |= word;
	}
	while (size > 0)
		seen |= bytes[--size];
	return (seen & 0x8080808080808080) != 0;
}

/* One character behind ASCII, in its shortest form and no half of a pair: its length; 0 for anything else. */
static size_t character(const unsigned char *at, size_t left)
{
	size_t length = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
	if (length == 0 || length > left)
		return 0;
	unsigned char least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80, most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
	if (at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static bool is_utf8(const unsigned char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t run = size - at < RUN_BYTES ? size - at : RUN_BYTES;
		if (!has_high_bit(bytes + at, run)) {
			at += run;
			continue;
		}
		size_t end = at + run;
		while (at < end) {
			size_t length = bytes[at] < 0x80 ? 1 : character(bytes + at, size - at);
			if (length == 0)
				return false;
			at += length;
		}
	}
	return true;
}

/* Digests what of a file is there. A large file has a thread for that, so that reading and digesting overlap. */
struct digester {
	EVP_MD_CTX *context;
	const unsigned char *content;
	size_t done;
	bool failed, is_threaded;
	pthread_t thread;
	/* Only for the thread, and guarded by the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t filled;
	bool ended;
};

static void digest_until(struct digester *digester, size_t filled)
{
	if (!EVP_DigestUpdate(digester->context, digester->content + digester->done, filled - digester->done))
		digester->failed = true;
	digester->done = filled;
}

static void *digest_what_comes(void *given)
{
	struct digester *digester = given;
	for (bool ended = false; !ended;) {
		pthread_mutex_lock(&digester->lock);
		while (digester->filled == digester->done && !digester->ended)
			pthread_cond_wait(&digester->changed, &digester->lock);
		size_t filled = digester->filled;
		ended = digester->ended;
		pthread_mutex_unlock(&digester->lock);
		digest_until(digester, filled);
	}
	return NULL;
}

static void tell(struct digester *digester, size_t filled, bool ended)
{
	if (!digester->is_threaded) {
		digest_until(digester, filled);
		return;
	}
	pthread_mutex_lock(&digester->lock);
	digester->filled = filled;
	digester->ended = ended;
	pthread_cond_signal(&digester->changed);
	pthread_mutex_unlock(&digester->lock);
}

/* In parts that stay in the processor's cache until they are digested. False when the file ends before its size. */
static bool read_parts(int descriptor, struct plain_file *file, struct digester *digester)
{
	file->is_ascii = true;
	for (size_t filled = 0; filled < file->size;) {
		unsigned char *part = file->content + filled;
		size_t left = file->size - filled;
		ssize_t count = read(descriptor, part, left < PART_BYTES ? left : PART_BYTES);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		filled += (size_t)count;
		tell(digester, filled, false);
		file->is_ascii = file->is_ascii && !has_high_bit(part, (size_t)count);
	}
	return true;
}

static bool read_and_digest(int descriptor, EVP_MD_CTX *context, struct plain_file *file)
{
	struct digester digester = {.context = context, .content = file->content, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	digester.is_threaded = file->size >= LEAST_THREADED && pthread_create(&digester.thread, NULL, digest_what_comes, &digester) == 0;
	bool is_read = read_parts(descriptor, file, &digester);
	if (digester.is_threaded) {
		tell(&digester, digester.filled, true);
		pthread_join(digester.thread, NULL);
	}
	return is_read && !digester.failed && EVP_DigestFinal_ex(context, file->sha256, NULL) &&
		(file->is_ascii || is_utf8(file->content, file->size));
}

bool mounted_noexec(int descriptor)
{
	struct statfs mount;
	return fstatfs(descriptor, &mount) != 0 || (mount.f_flags & MOUNTED_NOEXEC) != 0;
}

static bool read_open(int descriptor, double max_bytes, struct plain_file *file)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || (double)status.st_size > max_bytes)
		return false;
	char *const nothing[] = {NULL};
	long check = syscall(SYS_execveat, descriptor, "", nothing, nothing, AT_EMPTY_PATH | EXECVE_CHECK);
	file->check = check == 0 ? 0 : errno;
	file->is_noexec = mounted_noexec(descriptor);
	file->size = (size_t)status.st_size;
	file->content = malloc(file->size + 1);
	if (file->content == NULL)
		return false;
	file->content[file->size] = '\0';
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_read = context != NULL && EVP_DigestInit_ex(context, sha256, NULL) && read_and_digest(descriptor, context, file);
	EVP_MD_CTX_free(context);
	if (!is_read)
		free(file->content);
	return is_read;
}

bool read_plain_file(const char *path, double max_bytes, struct plain_file *file)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch_sha256);
	errno = EINVAL;
	if (sha256 == NULL || !is_normal(path))
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
