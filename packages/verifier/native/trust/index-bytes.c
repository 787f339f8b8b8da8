/* Brings the bytes of a trust index into memory.
 *
 * Guarantees that they cannot change afterwards: they are sealed memory, a file that only root can
 * change, or a copy. */
#define _GNU_SOURCE
#include "index-bytes.h"
#include "../shared/index/fixed-memory.h"
#include "index.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn void malformed(const char *reason)
{
	fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot read the trust index: %s", reason);
}

_Noreturn void truncated(void)
{
	fail(UNDECIDED, "ERR_INDEX_FORMAT",
		"Cannot read the trust index: it is truncated; if nobody is copying it, install it again");
}

/* Requires sealed memory. Then the index is exactly what the launcher opened and sealed. */
static void require_sealed(int descriptor)
{
	const int seals = fcntl(descriptor, F_GET_SEALS); /* -1 if it is no memfd */
	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use descriptor %d: it is not sealed memory",
			descriptor);
}

/* Requires a file that only root can change. The launcher has judged the directories above it. */
static void require_roots_file(int descriptor)
{
	struct stat status;
	const bool is_known = fstat(descriptor, &status) == 0;
	if (!is_known || status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot use descriptor %d: it is no file that only root can change", descriptor);
}

/* Ends the process, because the index cannot be brought into memory. */
_Noreturn static void cannot_read(void)
{
	if (errno == ENODATA)
		fail(UNDECIDED, "ERR_INDEX_FORMAT",
			"Cannot read the trust index: it changes while it is read");
	fail(status_of(errno), "ERR_LIMIT", "Cannot read the trust index: %m");
}

const uint8_t *map_index(const char *file, int descriptor, size_t *length)
{
	struct stat status;
	const bool is_passed = descriptor >= 0;
	if (!is_passed)
		descriptor = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	else if (rules.index_sha256 != NULL)
		require_roots_file(descriptor);
	else
		require_sealed(descriptor);
	if (descriptor < 0 || fstat(descriptor, &status) != 0)
		fail(status_of(errno), "ERR_INDEX_FORMAT", "Cannot open the trust index \"%s\": %m", file);
	if (!S_ISREG(status.st_mode))
		malformed("it is not a regular file");
	if (status.st_size == 0)
		truncated();
	if (status.st_size > MAX_INDEX_BYTES)
		malformed("it is larger than a trust index can be");
	*length = (size_t)status.st_size;
	const uint8_t *memory =
		is_passed ? map_fixed(descriptor, *length) : copy_fixed(descriptor, *length);
	if (memory == NULL)
		cannot_read();
	if (!is_passed)
		close(descriptor);
	return memory;
}
