/* A job consists of the rows of one file set and the threads that hash them. hash-threads.c makes
 * the job and gives rows to threads. hash-row.c hashes one row. */

#ifndef JOB_H
#define JOB_H

#include "attributes.h"
#include "node-api.h"
#include "openssl-digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, BUFFER_BYTES = 128 * 1024, PATH_BYTES = 4096, MAX_LANES = 16 };

/* These are the indices of COUNTER (shared-rows.ts). */
enum { PUBLISHED, COMPLETE, CLAIMED, FINISHED, BIG_MET, BIG_CLAIMED, ABANDONED };

/* The state of one hashing thread. No other thread uses it while this thread works. */
struct lane {
	struct job *job;
	pthread_t thread;
	int number;
	/* A descriptor of the root. Each lane opens one, because threads that share a descriptor wait
	 * for each other at every openat(). */
	int root;
	EVP_MD_CTX *context;
	/* The path of the root, which ends with a slash, followed by the path of a row. */
	char path[2 * PATH_BYTES];
	size_t root_bytes;
	unsigned char buffer[BUFFER_BYTES];
};

struct job {
	/* The columns of shared-rows.ts, in memory of JavaScript. Only the thread that claims a row
	 * writes the facts of that row. All threads write counters and `big_rows`. */
	const uint8_t *path_bytes;
	const uint32_t *path_offsets;
	uint8_t *states;
	uint8_t *kinds;
	uint16_t *modes;
	double *sizes;
	uint8_t *digests;
	_Atomic int32_t *big_rows;
	_Atomic int32_t *counters;
	double *thread_bytes;

	struct attributes attributes;
	/* These references keep columns and counts alive while threads write to them. */
	napi_ref columns;
	napi_ref given_attributes;
	napi_env env;
	EVP_MD *sha256;
	/* Lane 0 belongs to the thread that called start(). Lanes 1 to `started` have their own
	 * threads. */
	struct lane *lanes[MAX_LANES];
	int lane_count;
	int started;
};

/* Hashes a row that the lane has claimed, and writes its kind, mode, size and digest, or the state
 * `changed`. Returns false if the row was put on the list of rows that JavaScript hashes. */
bool hash_row(struct lane *lane, int32_t row);

#endif
