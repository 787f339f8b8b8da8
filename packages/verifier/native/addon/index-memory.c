/* Guarantees that nothing in the process can change the index after it was kept, except native code
 * that maps memory: a write ends the process. */
#define _GNU_SOURCE
#include "index-memory.h"
#include "../shared/index/fixed-memory.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static struct index_memory kept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Returns true for a memfd that no process can change. */
static bool is_sealed(int descriptor)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const int seals = fcntl(descriptor, F_GET_SEALS); /* -1 if it is no memfd */
	return seals >= 0 && (seals & needed) == needed;
}

static bool keep(int descriptor, bool is_fixed)
{
	struct stat status;
	if (kept.bytes != NULL || fstat(descriptor, &status) != 0)
		return false;
	if (!S_ISREG(status.st_mode) || status.st_size <= 0)
		return false;
	const size_t size = (size_t)status.st_size;
	const bool is_mapped = is_fixed || is_sealed(descriptor);
	void *bytes = is_mapped ? map_fixed(descriptor, size) : copy_fixed(descriptor, size);
	if (bytes == NULL)
		return false;
	kept = (struct index_memory){bytes, size};
	return true;
}

bool keep_index(int descriptor, bool is_fixed)
{
	pthread_mutex_lock(&lock);
	const bool is_kept = keep(descriptor, is_fixed);
	pthread_mutex_unlock(&lock);
	return is_kept;
}

struct index_memory kept_index(void)
{
	pthread_mutex_lock(&lock);
	const struct index_memory result = kept;
	pthread_mutex_unlock(&lock);
	return result;
}
