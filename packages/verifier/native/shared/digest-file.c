/* Guarantees that the digest is that of exactly the bytes which were read. The file is read in
 * parts, and each part is read once. A part is digested right after it was read, by the reading
 * thread or by a second thread. */
#include "digest-file.h"
#include "utf8.h"
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* These declarations are the part of OpenSSL 3 that is used. They are weak symbols, so that the
 * addon can be loaded into a Node.js that does not export them. fetch_algorithm() checks if they
 * exist. */
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
#define EXPORTED __attribute__((weak))
EXPORTED EVP_MD *EVP_MD_fetch(void *library, const char *algorithm, const char *properties);
EXPORTED EVP_MD_CTX *EVP_MD_CTX_new(void);
EXPORTED void EVP_MD_CTX_free(EVP_MD_CTX *);
EXPORTED int EVP_DigestInit_ex(EVP_MD_CTX *, const EVP_MD *, void *engine);
EXPORTED int EVP_DigestUpdate(EVP_MD_CTX *, const void *content, size_t bytes);
EXPORTED int EVP_DigestFinal_ex(EVP_MD_CTX *, unsigned char *digest, unsigned *bytes);

enum {
	PART_BYTES = 128 << 10, /* small enough to be in the processor's cache when it is digested */
	STACK_BYTES = 16 << 10, /* the size of a part on the stack, if the caller wants no content */
	MIN_THREADED_BYTES = 1 << 20, /* smaller files are digested by the thread that reads */
};

/* Holds the state of one digest, on the stack of digest_file(). */
struct digester {
	EVP_MD_CTX *context;
	bool failed; /* until pthread_join() only the digesting thread writes `failed` */
	bool is_threaded;
	pthread_t thread;
	/* The other members are used only if `is_threaded` is true. `content` does not change. `lock`
	 * guards `filled` and `ended`, and a change of either signals `changed`. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const unsigned char *content;
	size_t filled; /* the number of bytes of `content` that were read */
	bool ended;
};

/* The algorithm SHA-256 is fetched once and kept, because fetching takes longer than digesting most
 * files. */
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

static bool begin_digest(struct digester *digester)
{
	if (!can_digest())
		return false;
	digester->context = EVP_MD_CTX_new();
	if (digester->context == NULL)
		return false;
	return EVP_DigestInit_ex(digester->context, algorithm, NULL) != 0;
}

static void digest_part(struct digester *digester, const unsigned char *part, size_t size)
{
	if (!EVP_DigestUpdate(digester->context, part, size))
		digester->failed = true;
}

/* Runs in the digesting thread. Digests `content` while it is filled, and returns after all of it
 * was digested. */
static void *digest_as_filled(void *given)
{
	struct digester *digester = given;
	size_t done = 0;
	bool ended = false;
	while (!ended) {
		pthread_mutex_lock(&digester->lock);
		while (digester->filled == done && !digester->ended)
			pthread_cond_wait(&digester->changed, &digester->lock);
		const size_t filled = digester->filled;
		ended = digester->ended;
		pthread_mutex_unlock(&digester->lock);
		digest_part(digester, digester->content + done, filled - done);
		done = filled;
	}
	return NULL;
}

/* Informs the digesting thread that `added` more bytes of `content` were read. `ended` is true if
 * no more bytes follow. */
static void hand_over(struct digester *digester, size_t added, bool ended)
{
	pthread_mutex_lock(&digester->lock);
	digester->filled += added;
	digester->ended = ended;
	pthread_cond_signal(&digester->changed);
	pthread_mutex_unlock(&digester->lock);
}

/* Reads the file as digest_file() promises, and digests each part or hands it to the digesting
 * thread. Returns the number of bytes that were read, or -1 with the errno of read(2). */
static ssize_t read_parts(
	int descriptor, unsigned char *content, size_t size, bool *is_ascii, struct digester *digester)
{
	unsigned char part_on_stack[STACK_BYTES];
	const size_t part_bytes = content == NULL ? STACK_BYTES : PART_BYTES;
	size_t filled = 0;
	while (filled < size) {
		unsigned char *part = content == NULL ? part_on_stack : content + filled;
		const size_t left = size - filled;
		const ssize_t count = read(descriptor, part, left < part_bytes ? left : part_bytes);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		filled += (size_t)count;
		if (digester->is_threaded)
			hand_over(digester, (size_t)count, false);
		else
			digest_part(digester, part, (size_t)count);
		if (is_ascii != NULL)
			*is_ascii = *is_ascii && !has_high_bit(part, (size_t)count);
	}
	return (ssize_t)filled;
}

/* Reads and digests with an initialized context. Returns what read_parts() returns. Sets `failed`
 * if libcrypto fails. */
static ssize_t digest_parts(struct digester *digester, int descriptor, unsigned char *content,
	size_t size, bool overlaps, bool *is_ascii, unsigned char sha256[32])
{
	if (overlaps && size >= MIN_THREADED_BYTES) {
		const int error = pthread_create(&digester->thread, NULL, digest_as_filled, digester);
		digester->is_threaded = error == 0; /* else the reading thread digests */
	}
	const ssize_t filled = read_parts(descriptor, content, size, is_ascii, digester);
	if (digester->is_threaded) {
		hand_over(digester, 0, true);
		pthread_join(digester->thread, NULL);
	}
	if (!digester->failed)
		digester->failed = !EVP_DigestFinal_ex(digester->context, sha256, NULL);
	return filled;
}

ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32])
{
	struct digester digester = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.content = content,
	};
	ssize_t filled = -1;
	if (is_ascii != NULL)
		*is_ascii = true;
	digester.failed = !begin_digest(&digester);
	if (!digester.failed)
		filled = digest_parts(&digester, descriptor, content, size, overlaps, is_ascii, sha256);
	if (digester.context != NULL)
		EVP_MD_CTX_free(digester.context);
	if (digester.failed) {
		errno = EIO;
		return -1;
	}
	return filled;
}
