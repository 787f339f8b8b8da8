/* A job consists of the rows of one file set and the threads that hash them. hash-threads.c makes
 * the job and gives rows to threads. hash-rows.c hashes rows. */

#ifndef JOB_H
#define JOB_H

#include "attributes.h"
#include "digest.h"
#include "node-api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { BUFFER_BYTES = 128 * 1024, PATH_BYTES = 4096, MAX_LANES = 16, NO_ROW = -1 };

/* These are the indices of COUNTER (shared-rows.ts). */
enum { PUBLISHED, COMPLETE, CLAIMED, FINISHED, BIG_MET, BIG_CLAIMED, ABANDONED };

/* A file that is being read. */
struct reading {
	/* NO_ROW if there is no file. */
	int32_t row;
	int file;
	/* The facts about the file after the first pread(). */
	struct stat before;
	/* True if these facts prove that the content did not change while it was read. */
	bool is_certain;
	/* The number of bytes that were read. */
	off_t done;
	struct digest digest;
	/* The attributes that were written. If there are any, the content is read a second time. */
	struct attachment attachment;
	unsigned char buffer[BUFFER_BYTES + PADDING_BYTES];
};

/* The state of one hashing thread. No other thread uses it while this thread works. */
struct lane {
	struct job *job;
	pthread_t thread;
	int number;
	/* A descriptor of the root. Each lane opens one, because threads that share a descriptor wait
	 * for each other at every openat(). */
	int root;
	/* The number of rows that the lane may still claim in this call. */
	int32_t most;
	/* The path of the root, which ends with a slash, followed by the path of a row. */
	char path[2 * PATH_BYTES];
	size_t root_bytes;
	int reading_count;
	struct reading readings[MAX_DIGESTS];
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
	/* NULL if SHA-NI is used. */
	EVP_MD *sha256;
	/* Lane 0 belongs to the thread that called start(). Lanes 1 to `started` have their own
	 * threads. */
	struct lane *lanes[MAX_LANES];
	int lane_count;
	int started;
};

/* Claims rows and hashes them, until there are none. Writes the kind, mode, size and digest of each
 * row, or the state `changed`, or puts the row on the list of rows that JavaScript hashes. */
void hash_rows(struct lane *lane);

/* Claims the next row that is published and that no lane has claimed. Returns NO_ROW if there is
 * none, if the lane may claim no more, or if the job was abandoned. */
int32_t claim_row(struct lane *lane);

#endif
