/*
 * The programs of the bench share these functions: they list directories, digest files and add up
 * digests as vectors of eight little-endian 32-bit words. An error ends the process.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 128 * 1024, DIGEST_BYTES = 32, DIGEST_WORDS = 8 };

/* Holds the objects of OpenSSL and the memory by which one thread digests files. */
struct hasher {
	EVP_MD *sha256;
	EVP_MD_CTX *context;
	unsigned char buffer[BUFFER_BYTES];
};

static _Noreturn void fail(const char *action, const char *object)
{
	const char *program = program_invocation_short_name;
	fprintf(stderr, "%s: cannot %s %s: %s\n", program, action, object, strerror(errno));
	exit(1);
}

/* Returns the allocated memory. Ends the process if the allocation failed. */
static void *checked(void *allocation)
{
	if (!allocation)
		fail("allocate", "memory");
	return allocation;
}

static void start_hasher(struct hasher *hasher)
{
	hasher->sha256 = checked(EVP_MD_fetch(NULL, "SHA256", NULL));
	hasher->context = checked(EVP_MD_CTX_new());
}

/* Digests a file and returns its size. If the file changes meanwhile, ends the process. */
static off_t hash_content(
	struct hasher *hasher, int fd, const char *name, unsigned char digest[DIGEST_BYTES])
{
	struct stat st;
	off_t done = 0;
	ssize_t got;
	if (fstat(fd, &st) < 0)
		fail("examine", name);
	EVP_DigestInit_ex(hasher->context, hasher->sha256, NULL);
	do {
		got = read(fd, hasher->buffer, BUFFER_BYTES);
		if (got < 0)
			fail("read", name);
		EVP_DigestUpdate(hasher->context, hasher->buffer, (size_t)got);
		done += got;
	} while (got > 0 && done < st.st_size);
	if (done != st.st_size) {
		errno = ESTALE;
		fail("hash a changing", name);
	}
	EVP_DigestFinal_ex(hasher->context, digest, NULL);
	return done;
}

static void add_to_sum(uint32_t sum[DIGEST_WORDS], const unsigned char digest[DIGEST_BYTES])
{
	for (int word = 0; word < DIGEST_WORDS; word++) {
		uint32_t value;
		memcpy(&value, digest + 4 * word, 4);
		sum[word] += le32toh(value);
	}
}

/* Prints "files bytes sum". */
static void print_totals(uint64_t files, uint64_t bytes, const uint32_t sum[DIGEST_WORDS])
{
	printf("%ju %ju ", (uintmax_t)files, (uintmax_t)bytes);
	for (int word = 0; word < DIGEST_WORDS; word++)
		printf("%08x", sum[word]);
	putchar('\n');
}

/* Returns the next entry, which is valid until the next call, or NULL at the end. */
static const struct dirent *next_entry(DIR *stream, const char *name)
{
	errno = 0;
	const struct dirent *entry = readdir(stream);
	if (!entry && errno)
		fail("list", name);
	return entry;
}

/* Returns the type of an entry. Some file systems do not have it in the directory, so the file
 * is asked. */
static unsigned char entry_type(int directory, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail("examine", entry->d_name);
	return IFTODT(st.st_mode);
}
