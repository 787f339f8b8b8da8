/*
 * hash-tree DIR computes the SHA-256 of every regular file below DIR, on two threads. The bench
 * compares sigtool with this program, because this program does only what hashing a tree needs.
 *
 * It prints "files bytes sum". The sum adds the digests as vectors of eight little-endian 32-bit
 * words, so it does not depend on the order in which files are hashed. Symbolic links and special
 * files are left out. The exit status is 1 if something could not be read, and 2 for wrong usage.
 *
 * cc -O2 -std=c17 -pthread hash-tree.c -lcrypto
 */
#include "tree.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS = 2, MAX_NAME_BYTES = 256 };

/* Describes a directory. The worker that lists it is its owner. Then the owner and idle workers
 * claim the files of the directory one at a time. The last worker that uses the directory frees
 * it. */
struct directory {
	/* The next directory in the list `unlisted`. */
	struct directory *next;
	DIR *stream;
	/* The names of the files, one after the other, each with its NUL. `name_offsets` has the offset
	 * of each name. */
	char *names;
	size_t *name_offsets;
	size_t file_count;
	atomic_size_t claimed;
	/* The number of workers that use this directory. `lock` guards it. */
	int users;
	char path[];
};

/* Describes how much memory a worker has allocated for the names of one directory. */
struct room {
	size_t bytes;
	size_t max_bytes;
	size_t max_files;
};

struct worker {
	/* The directory that this worker listed last, or NULL if all its files are claimed. `lock`
	 * guards this pointer. */
	struct directory *owned;
	struct hasher hasher;
	uint64_t files;
	uint64_t bytes;
	uint32_t sum[DIGEST_WORDS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published = PTHREAD_COND_INITIALIZER;
/* `unlisted` has the directories that no worker has begun to list. `listing` is the number of
 * workers that are listing a directory now and may add more. `lock` guards both. */
static struct directory *unlisted;
static int listing;
static struct worker workers[THREADS];

static void *run(void *worker);
static struct directory *take(void);
static struct directory *choose(void);
static struct directory *unfinished(void);
static void hash_files(struct worker *w, struct directory *d);
static void list(struct worker *w, struct directory *d);
static void leave(struct worker *w, struct directory *d);
static void hash_file(struct worker *w, int directory_fd, const char *name);
static struct directory *new_directory(const char *parent, const char *name);

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: hash-tree DIR\n", stderr);
		return 2;
	}
	unlisted = new_directory(argv[1], ".");

	pthread_t threads[THREADS];
	for (int i = 1; i < THREADS; i++) {
		errno = pthread_create(&threads[i], NULL, run, &workers[i]);
		if (errno)
			fail("start", "a thread");
	}
	run(&workers[0]);

	struct worker *total = &workers[0];
	for (int i = 1; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		total->files += workers[i].files;
		total->bytes += workers[i].bytes;
		for (int word = 0; word < DIGEST_WORDS; word++)
			total->sum[word] += workers[i].sum[word];
	}
	print_totals(total->files, total->bytes, total->sum);
	return 0;
}

static void *run(void *worker)
{
	struct worker *w = worker;
	start_hasher(&w->hasher);
	for (;;) {
		struct directory *d = take();
		if (!d)
			return NULL;
		if (!d->stream)
			list(w, d);
		hash_files(w, d);
		leave(w, d);
	}
}

static void hash_files(struct worker *w, struct directory *d)
{
	for (;;) {
		const size_t i = atomic_fetch_add(&d->claimed, 1);
		if (i >= d->file_count)
			return;
		hash_file(w, dirfd(d->stream), d->names + d->name_offsets[i]);
	}
}

/* Returns a directory to list, or a listed directory with files to hash, and counts the worker
 * as its user. Waits while other workers may find more directories. Returns NULL if nothing is
 * left to begin. */
static struct directory *take(void)
{
	pthread_mutex_lock(&lock);
	struct directory *d = choose();
	while (!d && listing) {
		pthread_cond_wait(&published, &lock);
		d = choose();
	}
	if (d)
		d->users++;
	pthread_mutex_unlock(&lock);
	return d;
}

/* Returns a directory to list, and counts it in `listing`. If there is none, returns a listed
 * directory with files to claim, or NULL. The caller holds `lock`. */
static struct directory *choose(void)
{
	struct directory *d = unlisted;
	if (!d)
		return unfinished();
	unlisted = d->next;
	listing++;
	return d;
}

/* Returns a directory that was listed and has files to claim, or NULL. The caller holds `lock`. */
static struct directory *unfinished(void)
{
	for (int i = 0; i < THREADS; i++) {
		struct directory *d = workers[i].owned;
		if (d && d->claimed < d->file_count)
			return d;
	}
	return NULL;
}

/* Ends the use of a directory that has no more files to claim. */
static void leave(struct worker *w, struct directory *d)
{
	pthread_mutex_lock(&lock);
	if (w->owned == d)
		w->owned = NULL;
	d->users--;
	const bool is_last = d->users == 0;
	pthread_mutex_unlock(&lock);
	if (!is_last)
		return;
	closedir(d->stream);
	free(d->names);
	free(d->name_offsets);
	free(d);
}

/* Adds the name of a file to a directory. Allocates more memory if it is needed. */
static void add_file(struct directory *d, struct room *room, const char *name)
{
	const size_t name_bytes = strlen(name) + 1;
	if (room->bytes + MAX_NAME_BYTES > room->max_bytes) {
		room->max_bytes = 2 * room->max_bytes + 4096;
		d->names = checked(realloc(d->names, room->max_bytes));
	}
	if (d->file_count == room->max_files) {
		room->max_files = 2 * room->max_files + 64;
		d->name_offsets =
			checked(realloc(d->name_offsets, room->max_files * sizeof *d->name_offsets));
	}
	memcpy(d->names + room->bytes, name, name_bytes);
	d->name_offsets[d->file_count] = room->bytes;
	d->file_count++;
	room->bytes += name_bytes;
}

/* Reads a whole directory. Then lets the other workers take its files and its subdirectories, both
 * under one lock. */
static void list(struct worker *w, struct directory *d)
{
	struct directory *first = NULL;
	struct directory **last = &first;
	struct room room = {0};
	d->stream = opendir(d->path);
	if (!d->stream)
		fail("open", d->path);
	for (;;) {
		const struct dirent *entry = next_entry(d->stream, d->path);
		if (!entry)
			break;
		const char *name = entry->d_name;
		const unsigned char type = entry_type(dirfd(d->stream), entry);
		if (type == DT_REG)
			add_file(d, &room, name);
		if (type == DT_DIR && strcmp(name, ".") && strcmp(name, "..")) {
			*last = new_directory(d->path, name);
			last = &(*last)->next;
		}
	}

	pthread_mutex_lock(&lock);
	*last = unlisted;
	unlisted = first;
	w->owned = d;
	listing--;
	pthread_cond_broadcast(&published);
	pthread_mutex_unlock(&lock);
}

static void hash_file(struct worker *w, int directory_fd, const char *name)
{
	const int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char digest[DIGEST_BYTES];
	if (fd < 0)
		fail("open", name);
	w->bytes += (uint64_t)hash_content(&w->hasher, fd, name, digest);
	close(fd);
	w->files++;
	add_to_sum(w->sum, digest);
}

/* Allocates the record of a directory that is still to be listed. */
static struct directory *new_directory(const char *parent, const char *name)
{
	size_t path_bytes = strlen(parent) + 1 + strlen(name) + 1;
	struct directory *d = checked(calloc(1, sizeof *d + path_bytes));
	snprintf(d->path, path_bytes, "%s/%s", parent, name);
	return d;
}
