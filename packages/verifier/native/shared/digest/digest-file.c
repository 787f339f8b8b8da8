/* Guarantees that the digest is that of exactly the bytes which were read. The file is read in
 * parts, and each part is read once. A part is digested right after it was read, by the reading
 * thread or by a second thread. */
#include "digest-file.h"
#include "../process/following-thread.h"
#include "../text/utf8.h"
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
	bool failed; /* until stop_following() only the digesting thread writes it */
	bool is_threaded;
	struct following_thread thread; /* if `is_threaded` */
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

static void digest_part(void *given, const unsigned char *part, size_t size)
{
	struct digester *digester = given;
	if (!EVP_DigestUpdate(digester->context, part, size))
		digester->failed = true;
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
			hand_over(&digester->thread, (size_t)count);
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
	digester->is_threaded = overlaps && size >= MIN_THREADED_BYTES &&
		start_following(&digester->thread, content, digest_part, digester);
	const ssize_t filled = read_parts(descriptor, content, size, is_ascii, digester);
	if (digester->is_threaded)
		stop_following(&digester->thread);
	if (!digester->failed)
		digester->failed = !EVP_DigestFinal_ex(digester->context, sha256, NULL);
	return filled;
}

ssize_t digest_file(int descriptor, unsigned char *content, size_t size, bool overlaps,
	bool *is_ascii, unsigned char sha256[32])
{
	struct digester digester = {.context = NULL};
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
