/*
 * Hashes the rows of a file set in threads that run no JavaScript. JavaScript gets these functions:
 *
 *   start(rows, root, threads, attributes | undefined) → job | undefined
 *       Starts `threads` threads on the columns `rows`. `root` is the absolute path of the tree,
 *       and ends with a slash. Returns undefined if that fails.
 *
 *   work(job, most) → number
 *       Hashes at most `most` rows on the calling thread. Returns the number of rows that it
 *       claimed, or undefined for a negative number.
 *
 *   stop(job)
 *       Makes the threads end, waits for them, and frees the job. No other call may follow.
 *
 * Guarantees that only one thread claims a row, and only once. Layout and counters are those of
 * packages/core/src/fileset/shared-rows.ts. This file assumes that JavaScript writes the path of a
 * row before it publishes the row, and passes columns that are long enough. Their lengths are not
 * checked.
 */

#define _GNU_SOURCE
#include "job.h"
#include "module.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* If there are no rows, a thread waits for so long. */
	IDLE_MICROSECONDS = 50,
};

enum column {
	PATHS,
	PATH_OFFSETS,
	STATES,
	KINDS,
	MODES,
	SIZES,
	DIGESTS,
	BIG_ROWS,
	COUNTERS,
	THREAD_BYTES,
	COLUMNS,
};

static const char *const COLUMN_NAMES[COLUMNS] = {
	[PATHS] = "pathBytes",
	[PATH_OFFSETS] = "pathOffsets",
	[STATES] = "states",
	[KINDS] = "kinds",
	[MODES] = "modes",
	[SIZES] = "sizes",
	[DIGESTS] = "digests",
	[BIG_ROWS] = "bigRows",
	[COUNTERS] = "counters",
	[THREAD_BYTES] = "threadBytes",
};

static napi_value start(napi_env env, napi_callback_info info);
static napi_value work(napi_env env, napi_callback_info info);
static napi_value stop(napi_env env, napi_callback_info info);
static bool open_job(struct job *job, napi_env env, napi_value columns, napi_value attributes);
static bool read_columns(struct job *job, napi_env env, napi_value columns);
static bool add_lane(struct job *job, const char *root);
static void start_threads(struct job *job);
static void close_job(void *job);
static struct job *job_of(
	napi_env env, napi_callback_info info, size_t count, napi_value *arguments);
static int32_t hash_some(struct lane *lane, int32_t most);
static void *run(void *lane);
static bool is_over(struct job *job);

bool register_threads(napi_env env, napi_value exports)
{
	return register_function(env, exports, "start", start, NULL) &&
		register_function(env, exports, "work", work, NULL) &&
		register_function(env, exports, "stop", stop, NULL);
}

static napi_value start(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	size_t count = 4;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) || count != 4)
		return NULL;
	char root[PATH_BYTES];
	size_t length;
	if (napi_get_value_string_utf8(env, arguments[1], root, sizeof root, &length))
		return NULL;
	if (length >= sizeof root - TEXT_CUT_BYTES)
		return NULL;
	int32_t threads;
	if (napi_get_value_int32(env, arguments[2], &threads))
		return NULL;
	if (threads < 0 || threads >= MAX_LANES)
		return NULL;

	struct job *job = calloc(1, sizeof *job);
	if (!job)
		return NULL;
	bool is_ready = open_job(job, env, arguments[0], arguments[3]);
	for (int i = 0; is_ready && i <= threads; i++)
		is_ready = add_lane(job, root);
	napi_value result;
	if (is_ready)
		is_ready = napi_create_external(env, job, NULL, NULL, &result) == 0;
	if (is_ready)
		is_ready = napi_add_env_cleanup_hook(env, close_job, job) == 0;
	if (!is_ready) {
		close_job(job);
		return NULL;
	}
	start_threads(job);
	return result;
}

static napi_value work(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct job *job = job_of(env, info, 2, arguments);
	if (!job)
		return NULL;
	int32_t most;
	if (napi_get_value_int32(env, arguments[1], &most))
		return NULL;
	/* A negative number would give claimed rows back. */
	if (most < 0)
		return NULL;
	const int32_t claimed = hash_some(job->lanes[0], most);
	napi_value result;
	if (napi_create_int32(env, claimed, &result))
		return NULL;
	return result;
}

static napi_value stop(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct job *job = job_of(env, info, 1, arguments);
	if (!job)
		return NULL;
	/* If the hook cannot be removed, Node.js calls close_job() later. Then this function must not
	 * call it. */
	const napi_status failed = napi_remove_env_cleanup_hook(env, close_job, job);
	if (!failed)
		close_job(job);
	return NULL;
}

/* Reads exactly `count` arguments into `arguments`, and returns the job that the first one
 * contains. Returns NULL for any other arguments. */
static struct job *job_of(
	napi_env env, napi_callback_info info, size_t count, napi_value *arguments)
{
	size_t given = count;
	if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) || given != count)
		return NULL;
	void *job;
	if (napi_get_value_external(env, arguments[0], &job))
		return NULL;
	return job;
}

/* Fills in a job whose memory is zero, except for its lanes. Returns false if that fails. In this
 * case close_job() frees the parts that were filled in. */
static bool open_job(struct job *job, napi_env env, napi_value columns, napi_value attributes)
{
	job->env = env;
	if (!read_columns(job, env, columns))
		return false;
	if (!has_sha_ni()) {
		job->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		if (!job->sha256)
			return false;
	}
	if (napi_create_reference(env, columns, 1, &job->columns))
		return false;

	int type;
	if (napi_typeof(env, attributes, &type))
		return false;
	if (type == NAPI_UNDEFINED)
		return true;
	if (!read_attributes(&job->attributes, env, attributes))
		return false;
	return !napi_create_reference(env, attributes, 1, &job->given_attributes);
}

static bool read_columns(struct job *job, napi_env env, napi_value columns)
{
	void *data[COLUMNS];
	for (int i = 0; i < COLUMNS; i++) {
		napi_value column;
		if (napi_get_named_property(env, columns, COLUMN_NAMES[i], &column))
			return false;
		if (napi_get_typedarray_info(env, column, NULL, NULL, &data[i], NULL, NULL))
			return false;
	}
	job->path_bytes = data[PATHS];
	job->path_offsets = data[PATH_OFFSETS];
	job->states = data[STATES];
	job->kinds = data[KINDS];
	job->modes = data[MODES];
	job->sizes = data[SIZES];
	job->digests = data[DIGESTS];
	job->big_rows = data[BIG_ROWS];
	job->counters = data[COUNTERS];
	job->thread_bytes = data[THREAD_BYTES];
	return true;
}

/* Adds a lane. Returns false if that fails. Even then close_job() frees the lane. */
static bool add_lane(struct job *job, const char *root)
{
	struct lane *lane = malloc(sizeof *lane);
	if (!lane)
		return false;
	lane->job = job;
	lane->number = job->lane_count;
	lane->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lane->root_bytes = strlen(root);
	memcpy(lane->path, root, lane->root_bytes);
	job->lanes[job->lane_count] = lane;
	job->lane_count++;
	bool is_ready = lane->root >= 0;
	lane->reading_count = job->sha256 ? 1 : MAX_DIGESTS;
	for (int i = 0; i < lane->reading_count; i++) {
		struct reading *reading = &lane->readings[i];
		reading->row = NO_ROW;
		is_ready = open_digest(&reading->digest, job->sha256) && is_ready;
	}
	return is_ready;
}

/* Starts a thread for each lane except the first. If the system allows no more threads, those that
 * run do all the work. */
static void start_threads(struct job *job)
{
	for (int i = 1; i < job->lane_count; i++) {
		struct lane *lane = job->lanes[i];
		const int error = pthread_create(&lane->thread, NULL, run, lane);
		if (error)
			return;
		job->started = i;
	}
}

/* Ends the threads and frees the job. If Node.js ends while threads work, Node.js calls this
 * function. */
static void close_job(void *data)
{
	struct job *job = data;
	if (job->started)
		atomic_store(&job->counters[ABANDONED], 1);
	for (int i = 1; i <= job->started; i++)
		pthread_join(job->lanes[i]->thread, NULL);
	for (int i = 0; i < job->lane_count; i++) {
		struct lane *lane = job->lanes[i];
		if (lane->root >= 0)
			close(lane->root);
		for (int reading = 0; reading < lane->reading_count; reading++)
			close_digest(&lane->readings[reading].digest);
		free(lane);
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
	while (!is_over(lane->job)) {
		const int32_t claimed = hash_some(lane, INT32_MAX);
		if (claimed == 0)
			usleep(IDLE_MICROSECONDS);
	}
	return NULL;
}

/* Claims and hashes at most `most` rows. Returns the number of claimed rows. */
static int32_t hash_some(struct lane *lane, int32_t most)
{
	lane->most = most;
	hash_rows(lane);
	return most - lane->most;
}

int32_t claim_row(struct lane *lane)
{
	_Atomic int32_t *counters = lane->job->counters;
	if (lane->most == 0 || atomic_load(&counters[ABANDONED]))
		return NO_ROW;
	int32_t row = atomic_load(&counters[CLAIMED]);
	/* If another thread has claimed the row meanwhile, the exchange fails and updates `row`. */
	do {
		if (row == atomic_load(&counters[PUBLISHED]))
			return NO_ROW;
	} while (!atomic_compare_exchange_weak(&counters[CLAIMED], &row, row + 1));
	lane->most--;
	return row;
}

/* Returns true if no row will be claimed any more. */
static bool is_over(struct job *job)
{
	_Atomic int32_t *counters = job->counters;
	if (atomic_load(&counters[ABANDONED]))
		return true;
	if (!atomic_load(&counters[COMPLETE]))
		return false;
	const int32_t claimed = atomic_load(&counters[CLAIMED]);
	const int32_t published = atomic_load(&counters[PUBLISHED]);
	return claimed == published;
}
