/*
 * Hashes the rows of a file set in threads that run no JavaScript.
 *
 * The rows are the shared columns of packages/core/src/fileset/shared-rows.ts, whose layout and
 * counters this file follows; whoever claims a row alone writes its facts. Only plain files are
 * hashed here. A row that is anything else (it may be a PE or a cabinet, it cannot be opened, it is
 * no regular file) is put on the list of rows that JavaScript hashes, which knows what they are and
 * words what is wrong with them.
 *
 * SHA-256 is that of the OpenSSL inside Node.js, the one node:crypto uses. Attributes that are a
 * hash of the content are written on the way, when the job has some.
 */

#define _GNU_SOURCE
#include "attributes.h"
#include "node-api.h"
#include "openssl-digest.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __APPLE__
#define MTIME st_mtimespec
#define CTIME st_ctimespec
#else
#define MTIME st_mtim
#define CTIME st_ctim
#endif

/* COUNTER and ROW_STATE of shared-rows.ts, ENTRY_KIND of manifest.ts. */
enum { PUBLISHED, COMPLETE, CLAIMED, FINISHED, BIG_MET, BIG_CLAIMED, ABANDONED };
enum { WAITING = 0, CHANGED = 2 };
enum { KIND_FILE = 0 };

enum outcome { HASHED, CHANGED_MEANWHILE, FOR_JAVASCRIPT };

enum {
	DIGEST_BYTES = 32,
	BUFFER_BYTES = 128 * 1024,
	PATH_BYTES = 4096,
	MOST_THREADS = 16,
	COLUMNS = 10,
	AUTHENTICODE_FIRST_BYTE = 'M',
	/* A file whose times lie further back did not change while it was read; see hash-file.ts. */
	SETTLED_SECONDS = 3,
	IDLE_MICROSECONDS = 50,
	/* Rows that a thread claims at a time. */
	CLAIMED_ROWS = 8,
};

/* What one thread needs to hash. */
struct lane {
	struct job *job;
	pthread_t thread;
	int number;
	/* A descriptor of its own: threads that share one wait for each other at every open. */
	int root;
	EVP_MD_CTX *context;
	/* Root and path, one behind the other. */
	char place[2 * PATH_BYTES];
	size_t root_bytes;
	unsigned char buffer[BUFFER_BYTES];
};

struct job {
	const uint8_t *path_bytes;
	const uint32_t *path_offsets;
	uint8_t *states, *kinds;
	uint16_t *modes;
	double *sizes;
	uint8_t *digests;
	_Atomic int32_t *big_rows, *counters;
	double *thread_bytes;
	struct attributes attributes;
	/* Keep the columns and the counts alive as long as threads write to them. */
	napi_ref columns, given_attributes;
	napi_env env;
	EVP_MD *sha256;
	/* Lane 0 is the calling thread's. */
	struct lane *lanes[MOST_THREADS];
	int lane_count, started;
};

static const char *const COLUMN_NAMES[COLUMNS] = {"pathBytes", "pathOffsets", "states", "kinds",
	"modes", "sizes", "digests", "bigRows", "counters", "threadBytes"};

static napi_value start(napi_env env, napi_callback_info info);
static napi_value work(napi_env env, napi_callback_info info);
static napi_value stop(napi_env env, napi_callback_info info);
static bool open_job(struct job *job, napi_env env, napi_value columns, napi_value attributes);
static bool add_lane(struct job *job, const char *root);
static void close_job(void *job);
static struct job *job_of(
	napi_env env, napi_callback_info info, size_t count, napi_value *arguments);
static int32_t hash_some(struct lane *lane, int32_t most);
static void *run(void *lane);
static int32_t claim(struct job *job, int32_t most, int32_t *end);
static bool over(struct job *job);
static bool hash_row(struct lane *lane, int32_t row);
static enum outcome hash_path(struct lane *lane, int32_t row);
static enum outcome hash_file(struct lane *lane, int32_t row, int file);
static enum outcome hash_content(
	struct lane *lane, int file, ssize_t bytes, off_t size, uint8_t *digest);
static bool changed_since(int file, const struct stat *before);
static enum outcome attach_digest(struct lane *lane, int file, off_t size, const uint8_t *digest);

int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

/* Module: { start(rows, root, threads, attributes | undefined) → job, work(job, most) → rows,
 * stop(job) }. */
napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = {{"start", start}, {"work", work}, {"stop", stop}};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		napi_value function;
		if (napi_create_function(
				env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) ||
			napi_set_named_property(env, exports, functions[i].name, function))
			return NULL;
	}
	return exports;
}

/* Starts `threads` threads on the columns `rows` of the tree at the absolute path `root/`;
 * undefined when it cannot. */
static napi_value start(napi_env env, napi_callback_info info)
{
	napi_value arguments[4], result;
	size_t count = 4, length;
	char root[PATH_BYTES];
	int32_t threads;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) || count != 4 ||
		napi_get_value_string_utf8(env, arguments[1], root, sizeof root, &length) ||
		length >= sizeof root - 1 || napi_get_value_int32(env, arguments[2], &threads) ||
		threads < 0 || threads >= MOST_THREADS)
		return NULL;
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		return NULL;
	bool ready = open_job(job, env, arguments[0], arguments[3]);
	for (int i = 0; ready && i <= threads; i++)
		ready = add_lane(job, root);
	if (!ready || napi_create_external(env, job, NULL, NULL, &result) ||
		napi_add_env_cleanup_hook(env, close_job, job)) {
		close_job(job);
		return NULL;
	}
	for (int i = 1;
		i <= threads && !pthread_create(&job->lanes[i]->thread, NULL, run, job->lanes[i]); i++)
		job->started = i;
	return result;
}

/* Hashes at most `most` rows on the calling thread; returns how many there were to claim. */
static napi_value work(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result;
	int32_t most;
	struct job *job = job_of(env, info, 2, arguments);
	if (!job || napi_get_value_int32(env, arguments[1], &most))
		return NULL;
	return napi_create_int32(env, hash_some(job->lanes[0], most), &result) ? NULL : result;
}

/* Waits for the threads, which end when every row is done with or the work is abandoned, and frees
 * the job. */
static napi_value stop(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct job *job = job_of(env, info, 1, arguments);
	if (job && !napi_remove_env_cleanup_hook(env, close_job, job))
		close_job(job);
	return NULL;
}

static struct job *job_of(
	napi_env env, napi_callback_info info, size_t count, napi_value *arguments)
{
	void *job;
	size_t given = count;
	if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) || given != count ||
		napi_get_value_external(env, arguments[0], &job))
		return NULL;
	return job;
}

static bool open_job(struct job *job, napi_env env, napi_value columns, napi_value attributes)
{
	void *data[COLUMNS];
	int type;
	job->env = env;
	for (int i = 0; i < COLUMNS; i++) {
		napi_value column;
		if (napi_get_named_property(env, columns, COLUMN_NAMES[i], &column) ||
			napi_get_typedarray_info(env, column, NULL, NULL, &data[i], NULL, NULL))
			return false;
	}
	job->path_bytes = data[0];
	job->path_offsets = data[1];
	job->states = data[2];
	job->kinds = data[3];
	job->modes = data[4];
	job->sizes = data[5];
	job->digests = data[6];
	job->big_rows = data[7];
	job->counters = data[8];
	job->thread_bytes = data[9];
	job->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!job->sha256 || napi_create_reference(env, columns, 1, &job->columns) ||
		napi_typeof(env, attributes, &type))
		return false;
	return type == NAPI_UNDEFINED ||
		   (read_attributes(&job->attributes, env, attributes) &&
			   !napi_create_reference(env, attributes, 1, &job->given_attributes));
}

static bool add_lane(struct job *job, const char *root)
{
	struct lane *lane = malloc(sizeof *lane);
	if (!lane)
		return false;
	lane->job = job;
	lane->number = job->lane_count;
	lane->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lane->context = EVP_MD_CTX_new();
	lane->root_bytes = strlen(root);
	memcpy(lane->place, root, lane->root_bytes);
	job->lanes[job->lane_count++] = lane;
	return lane->root >= 0 && lane->context;
}

/* Also run when Node.js ends with threads at work. */
static void close_job(void *data)
{
	struct job *job = data;
	if (job->started)
		atomic_store(&job->counters[ABANDONED], 1);
	for (int i = 1; i <= job->started; i++)
		pthread_join(job->lanes[i]->thread, NULL);
	for (int i = 0; i < job->lane_count; i++) {
		if (job->lanes[i]->root >= 0)
			close(job->lanes[i]->root);
		EVP_MD_CTX_free(job->lanes[i]->context);
		free(job->lanes[i]);
	}
	if (job->columns)
		napi_delete_reference(job->env, job->columns);
	if (job->given_attributes)
		napi_delete_reference(job->env, job->given_attributes);
	EVP_MD_free(job->sha256);
	free(job);
}

static void *run(void *data)
{
	struct lane *lane = data;
	while (!over(lane->job))
		if (!hash_some(lane, CLAIMED_ROWS))
			usleep(IDLE_MICROSECONDS);
	return NULL;
}

/* Claims and hashes at most `most` rows; returns how many there were. */
static int32_t hash_some(struct lane *lane, int32_t most)
{
	struct job *job = lane->job;
	int32_t end, start = claim(job, most, &end), finished = 0;
	for (int32_t row = start; row < end; row++)
		finished += hash_row(lane, row);
	if (finished)
		atomic_fetch_add(&job->counters[FINISHED], finished);
	return end - start;
}

/* Claims the rows from what it returns to `end`: none when there are none now. */
static int32_t claim(struct job *job, int32_t most, int32_t *end)
{
	int32_t start = atomic_load(&job->counters[CLAIMED]);
	do {
		*end = atomic_load(&job->counters[PUBLISHED]);
		if (*end - start > most)
			*end = start + most;
		if (*end == start)
			return start;
	} while (!atomic_compare_exchange_weak(&job->counters[CLAIMED], &start, *end));
	return start;
}

/* True when no row will ever be claimed again. */
static bool over(struct job *job)
{
	_Atomic int32_t *counters = job->counters;
	if (atomic_load(&counters[ABANDONED]))
		return true;
	return atomic_load(&counters[COMPLETE]) &&
		   atomic_load(&counters[CLAIMED]) == atomic_load(&counters[PUBLISHED]);
}

/* False for a row that was put on the list of those that JavaScript finishes. */
static bool hash_row(struct lane *lane, int32_t row)
{
	struct job *job = lane->job;
	enum outcome outcome = job->states[row] == WAITING ? hash_path(lane, row) : HASHED;
	if (outcome == FOR_JAVASCRIPT)
		atomic_store(&job->big_rows[atomic_fetch_add(&job->counters[BIG_MET], 1)], row + 1);
	else if (outcome == CHANGED_MEANWHILE)
		job->states[row] = CHANGED;
	return outcome != FOR_JAVASCRIPT;
}

static enum outcome hash_path(struct lane *lane, int32_t row)
{
	struct job *job = lane->job;
	size_t start = job->path_offsets[row], length = job->path_offsets[row + 1] - start;
	if (length >= PATH_BYTES)
		return FOR_JAVASCRIPT;
	char *path = lane->place + lane->root_bytes;
	memcpy(path, job->path_bytes + start, length);
	path[length] = 0;
	int file = openat(lane->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return FOR_JAVASCRIPT;
	enum outcome outcome = hash_file(lane, row, file);
	close(file);
	return outcome;
}

/* Reads first: what fstat then says about the times covers the reading. */
static enum outcome hash_file(struct lane *lane, int32_t row, int file)
{
	struct job *job = lane->job;
	struct stat st;
	time_t now = time(NULL);
	ssize_t bytes = pread(file, lane->buffer, BUFFER_BYTES, 0);
	if (bytes < 0 || fstat(file, &st) || !S_ISREG(st.st_mode) ||
		(bytes > 0 && lane->buffer[0] == AUTHENTICODE_FIRST_BYTE))
		return FOR_JAVASCRIPT;
	bool whole = bytes == st.st_size && bytes < BUFFER_BYTES;
	bool settled = st.st_mtime < now - SETTLED_SECONDS && st.st_ctime < now - SETTLED_SECONDS;

	uint8_t *digest = job->digests + (size_t)DIGEST_BYTES * (size_t)row;
	enum outcome outcome = hash_content(lane, file, bytes, st.st_size, digest);
	if (outcome != HASHED)
		return outcome;
	if (!(whole && settled) && changed_since(file, &st))
		return CHANGED_MEANWHILE;
	job->kinds[row] = KIND_FILE;
	job->modes[row] = (uint16_t)(st.st_mode & 07777);
	job->sizes[row] = (double)st.st_size;
	return job->attributes.count ? attach_digest(lane, file, st.st_size, digest) : HASHED;
}

/* Digest of a file of `size` bytes, of which `bytes` stand in the buffer. */
static enum outcome hash_content(
	struct lane *lane, int file, ssize_t bytes, off_t size, uint8_t *digest)
{
	struct job *job = lane->job;
	off_t done = 0;
	EVP_DigestInit_ex(lane->context, job->sha256, NULL);
	for (;;) {
		EVP_DigestUpdate(lane->context, lane->buffer, (size_t)bytes);
		job->thread_bytes[lane->number] += (double)bytes;
		done += bytes;
		if (done >= size || bytes == 0 || atomic_load(&job->counters[ABANDONED]))
			break;
		if ((bytes = pread(file, lane->buffer, BUFFER_BYTES, done)) < 0)
			return FOR_JAVASCRIPT;
	}
	if (done != size)
		return CHANGED_MEANWHILE;
	return EVP_DigestFinal_ex(lane->context, digest, NULL) ? HASHED : FOR_JAVASCRIPT;
}

/* The content is read once more after the writing: a value never stands beside content it does not
 * fit. */
static enum outcome attach_digest(struct lane *lane, int file, off_t size, const uint8_t *digest)
{
	const struct attributes *attributes = &lane->job->attributes;
	struct attachment attachment;
	uint8_t again[DIGEST_BYTES];
	if (!attach(attributes, file, lane->place, digest, &attachment))
		return FOR_JAVASCRIPT;
	if (attachment.written) {
		ssize_t bytes = pread(file, lane->buffer, BUFFER_BYTES, 0);
		if (bytes < 0 || hash_content(lane, file, bytes, size, again) != HASHED ||
			memcmp(again, digest, sizeof again)) {
			detach(attributes, file, &attachment);
			return CHANGED_MEANWHILE;
		}
	}
	count_attached(attributes, &attachment);
	return HASHED;
}

static bool changed_since(int file, const struct stat *before)
{
	struct stat after;
	return fstat(file, &after) || after.st_size != before->st_size ||
		   memcmp(&after.MTIME, &before->MTIME, sizeof after.MTIME) ||
		   memcmp(&after.CTIME, &before->CTIME, sizeof after.CTIME);
}
