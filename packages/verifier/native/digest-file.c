#include "digest-file.h"
#include "utf8.h"
#include <errno.h>
#include <pthread.h>
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

/* Parts stay in the processor's cache until they are digested; without room for them a stack holds
 * one. */
enum { PART_BYTES = 128 << 10, STACK_BYTES = 16 << 10, LEAST_THREADED = 1 << 20 };

/* Parts are digested as they come, by who reads them or by a thread. */
struct digester {
	EVP_MD_CTX *context;
	bool failed, is_threaded;
	/* Only for the thread, and guarded by the lock. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const unsigned char *content;
	size_t filled;
	bool ended;
};

/* Fetched once: looking an algorithm up takes longer than most files. */
static EVP_MD *algorithm;
static void fetch_algorithm(void)
{
	if (EVP_MD_fetch != NULL && EVP_MD_CTX_new != NULL && EVP_DigestUpdate != NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

bool can_digest(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch_algorithm);
	return algorithm != NULL;
}

static void digest(struct digester *digester, const unsigned char *part, size_t size)
{
	if (!EVP_DigestUpdate(digester->context, part, size))
		digester->failed = true;
}

static void *digest_what_comes(void *given)
{
	struct digester *digester = given;
	size_t done = 0;
	for (bool ended = false; !ended;) {
		pthread_mutex_lock(&digester->lock);
		while (digester->filled == done && !digester->ended)
			pthread_cond_wait(&digester->changed, &digester->lock);
		size_t filled = digester->filled;
		ended = digester->ended;
		pthread_mutex_unlock(&digester->lock);
		digest(digester, digester->content + done, filled - done);
		done = filled;
	}
	return NULL;
}

static void tell(struct digester *digester, size_t added, bool ended)
{
	pthread_mutex_lock(&digester->lock);
	digester->filled += added;
	digester->ended = ended;
	pthread_cond_signal(&digester->changed);
	pthread_mutex_unlock(&digester->lock);
}

static ssize_t read_parts(
	int descriptor, unsigned char *content, size_t size, bool *is_ascii, struct digester *digester)
{
	unsigned char room[STACK_BYTES];
	size_t filled = 0, most = content == NULL ? STACK_BYTES : PART_BYTES;
	while (filled < size) {
		unsigned char *part = content == NULL ? room : content + filled;
		ssize_t count = read(descriptor, part, size - filled < most ? size - filled : most);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		filled += (size_t)count;
		if (digester->is_threaded)
			tell(digester, (size_t)count, false);
		else
			digest(digester, part, (size_t)count);
		if (is_ascii != NULL)
			*is_ascii = *is_ascii && !has_high_bit(part, (size_t)count);
	}
	return (ssize_t)filled;
}

ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32])
{
	struct digester digester = {
		.content = content, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	ssize_t filled = -1;
	if (is_ascii != NULL)
		*is_ascii = true;
	digester.context = can_digest() ? EVP_MD_CTX_new() : NULL;
	digester.failed =
		digester.context == NULL || !EVP_DigestInit_ex(digester.context, algorithm, NULL);
	if (!digester.failed) {
		digester.is_threaded =
			overlaps && size >= LEAST_THREADED &&
			pthread_create(&digester.thread, NULL, digest_what_comes, &digester) == 0;
		filled = read_parts(descriptor, content, size, is_ascii, &digester);
		if (digester.is_threaded) {
			tell(&digester, 0, true);
			pthread_join(digester.thread, NULL);
		}
		digester.failed = digester.failed || !EVP_DigestFinal_ex(digester.context, sha256, NULL);
	}
	if (digester.context != NULL)
		EVP_MD_CTX_free(digester.context);
	if (digester.failed)
		errno = EIO;
	return digester.failed ? -1 : filled;
}
