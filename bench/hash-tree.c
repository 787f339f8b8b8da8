/*
 * hash-tree DIR: SHA-256 of every regular file under DIR, on two threads. The yardstick of the
 * bench.
 *
 * Prints "files bytes sum". The sum adds the digests as vectors of eight little-endian 32-bit
 * words, so it is the same in whatever order the files were hashed. Symbolic links and special
 * files are left out. Exit 1: something could not be read.
 *
 * cc -O2 -std=c17 -pthread hash-tree.c -lcrypto
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 2, BUFFER_BYTES = 128 * 1024, DIGEST_WORDS = 8 };

/* Listed by one worker, its owner; the files are then claimed one at a time by the owner and
 * whoever is idle. */
struct directory {
	struct directory *next; /* in `unlisted` */
	DIR *stream;
	char *names; /* of the files, NUL-terminated, one behind the other */
	size_t *name_offsets;
	size_t file_count;
	atomic_size_t claimed;
	int users; /* under `lock` */
	char path[];
};

struct worker {
	struct directory *owned; /* under `lock` */
	EVP_MD *sha256;
	EVP_MD_CTX *context;
	uint64_t files, bytes;
	uint32_t sum[DIGEST_WORDS];
	unsigned char buffer[BUFFER_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published = PTHREAD_COND_INITIALIZER;
static struct directory *unlisted; /* under `lock` */
static int listing; /* under `lock`: workers that may yet add to `unlisted` */
static struct worker workers[THREADS];

static void *run(void *worker);
static struct directory *take(void);
static struct directory *unfinished(void);
static unsigned char entry_type(const struct directory *d, const struct dirent *entry);
static void list(struct worker *w, struct directory *d);
static void leave(struct worker *w, struct directory *d);
static void hash_file(struct worker *w, int directory_fd, const char *name);
static struct directory *new_directory(const char *parent, const char *name);
static void *checked(void *allocation);
static _Noreturn void fail(const char *action, const char *object);

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: hash-tree DIR\n", stderr);
		return 2;
	}
	unlisted = new_directory(argv[1], ".");

	pthread_t threads[THREADS];
	for (int i = 1; i < THREADS; i++)
		if ((errno = pthread_create(&threads[i], NULL, run, &workers[i])))
			fail("start", "a thread");
	run(&workers[0]);

	struct worker *total = &workers[0];
	for (int i = 1; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		total->files += workers[i].files;
		total->bytes += workers[i].bytes;
		for (int word = 0; word < DIGEST_WORDS; word++)
			total->sum[word] += workers[i].sum[word];
	}
	printf("%ju %ju ", (uintmax_t)total->files, (uintmax_t)total->bytes);
	for (int word = 0; word < DIGEST_WORDS; word++)
		printf("%08x", total->sum[word]);
	putchar('\n');
	return 0;
}

static void *run(void *worker)
{
	struct worker *w = worker;
	w->sha256 = checked(EVP_MD_fetch(NULL, "SHA256", NULL));
	w->context = checked(EVP_MD_CTX_new());
	for (struct directory *d; (d = take());) {
		if (!d->stream)
			list(w, d);
		for (size_t i; (i = atomic_fetch_add(&d->claimed, 1)) < d->file_count;)
			hash_file(w, dirfd(d->stream), d->names + d->name_offsets[i]);
		leave(w, d);
	}
	return NULL;
}

/* A directory to list, or else one to help with. NULL: the other workers are finishing what is
 * left. */
static struct directory *take(void)
{
	struct directory *d;
	pthread_mutex_lock(&lock);
	for (;;) {
		if ((d = unlisted)) {
			unlisted = d->next;
			listing++;
			break;
		}
		if ((d = unfinished()) || !listing)
			break;
		pthread_cond_wait(&published, &lock);
	}
	if (d)
		d->users++;
	pthread_mutex_unlock(&lock);
	return d;
}

static struct directory *unfinished(void)
{
	for (int i = 0; i < THREADS; i++) {
		struct directory *d = workers[i].owned;
		if (d && d->claimed < d->file_count)
			return d;
	}
	return NULL;
}

static void leave(struct worker *w, struct directory *d)
{
	pthread_mutex_lock(&lock);
	if (w->owned == d)
		w->owned = NULL;
	bool last = --d->users == 0;
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	closedir(d->stream);
	free(d->names);
	free(d->name_offsets);
	free(d);
}

/* Reads `d`, then publishes its files and its subdirectories at once. */
static void list(struct worker *w, struct directory *d)
{
	struct directory *first = NULL, **last = &first;
	size_t bytes = 0, capacity_bytes = 0, capacity = 0;
	struct dirent *entry;

	if (!(d->stream = opendir(d->path)))
		fail("open", d->path);
	while ((errno = 0, entry = readdir(d->stream))) {
		const char *name = entry->d_name;
		switch (entry_type(d, entry)) {
		case DT_DIR:
			if (strcmp(name, ".") && strcmp(name, "..")) {
				*last = new_directory(d->path, name);
				last = &(*last)->next;
			}
			break;
		case DT_REG:
			if (bytes + sizeof entry->d_name > capacity_bytes) {
				capacity_bytes = 2 * capacity_bytes + 4096;
				d->names = checked(realloc(d->names, capacity_bytes));
			}
			if (d->file_count == capacity) {
				capacity = 2 * capacity + 64;
				d->name_offsets =
					checked(realloc(d->name_offsets, capacity * sizeof *d->name_offsets));
			}
			d->name_offsets[d->file_count++] = bytes;
			bytes = (size_t)(stpcpy(d->names + bytes, name) + 1 - d->names);
			break;
		}
	}
	if (errno)
		fail("list", d->path);

	pthread_mutex_lock(&lock);
	*last = unlisted;
	unlisted = first;
	w->owned = d;
	listing--;
	pthread_cond_broadcast(&published);
	pthread_mutex_unlock(&lock);
}

/* Some filesystems leave d_type unknown. */
static unsigned char entry_type(const struct directory *d, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dirfd(d->stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail("examine", entry->d_name);
	return IFTODT(st.st_mode);
}

static void hash_file(struct worker *w, int directory_fd, const char *name)
{
	struct stat st;
	int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", name);

	off_t done = 0;
	ssize_t n;
	EVP_DigestInit_ex(w->context, w->sha256, NULL);
	do {
		if ((n = read(fd, w->buffer, BUFFER_BYTES)) < 0)
			fail("read", name);
		EVP_DigestUpdate(w->context, w->buffer, (size_t)n);
		done += n;
	} while (n > 0 && done < st.st_size);
	if (done != st.st_size) {
		errno = ESTALE;
		fail("hash a changing", name);
	}
	close(fd);

	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(w->context, digest, NULL);
	for (int word = 0; word < DIGEST_WORDS; word++) {
		uint32_t value;
		memcpy(&value, digest + 4 * word, 4);
		w->sum[word] += le32toh(value);
	}
	w->files++;
	w->bytes += (uint64_t)done;
}

static struct directory *new_directory(const char *parent, const char *name)
{
	size_t path_bytes = strlen(parent) + 1 + strlen(name) + 1;
	struct directory *d = checked(calloc(1, sizeof *d + path_bytes));
	snprintf(d->path, path_bytes, "%s/%s", parent, name);
	return d;
}

static void *checked(void *allocation)
{
	if (!allocation)
		fail("allocate", "memory");
	return allocation;
}

static _Noreturn void fail(const char *action, const char *object)
{
	fprintf(stderr, "hash-tree: cannot %s %s: %s\n", action, object, strerror(errno));
	exit(1);
}
