/* Guarantees that the runtime inherits only the standard descriptors of the caller, and that no
 * process, not even the runtime, can change what is sealed in descriptors 3 and 4. This file
 * assumes that the kernel enforces the seals of a memfd (Linux 3.17). */
#define _GNU_SOURCE
#include "descriptors.h"
#include "refusal.h"
#include "../shared/settings/constants.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* With MFD_NOEXEC_SEAL (Linux 6.3), memfd_create() makes memory that can be sealed and can never be
 * executed. */
enum { NOEXEC_SEAL = 8 };

void reserve_descriptors(void)
{
	const long closed = syscall(SYS_close_range, INDEX_DESCRIPTOR, ~0U, 0);
	if (closed != 0)
		fail(REFUSED, "Cannot start: this kernel lacks close_range (Linux 5.9)");
	for (int descriptor = 0; descriptor <= ANSWERS_DESCRIPTOR; descriptor++) {
		if (fcntl(descriptor, F_GETFD) >= 0)
			continue;
		/* open() uses the lowest free number, which is `descriptor`. A failure is not reported,
		 * because standard error may be closed. */
		const int opened = open("/dev/null", O_RDWR);
		if (opened != descriptor)
			_exit(opened < 0 ? status_of(errno) : REFUSED);
	}
}

void release_descriptors(void)
{
	close(CHANNEL_DESCRIPTOR);
	close(ANSWERS_DESCRIPTOR);
}

/* Returns the descriptor of a new memfd. Ends the process if there is none. */
static int create_memory(const char *name)
{
	int memory = (int)syscall(SYS_memfd_create, name, NOEXEC_SEAL);
	if (memory < 0)
		memory = (int)syscall(SYS_memfd_create, name, MFD_ALLOW_SEALING);
	if (memory < 0)
		fail(status_of(errno), "Cannot make memory for \"%s\": %m", name);
	return memory;
}

/* Writes all bytes to memory. Returns false with errno if there is no room for them. */
static bool write_all(int memory, const char *bytes, size_t length)
{
	while (length > 0) {
		const ssize_t written = write(memory, bytes, length);
		if (written < 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Copies from `file` to `memory` until `file` ends. Returns false with errno if that fails. errno
 * is EFBIG if the file has more than MAX_INDEX_BYTES. */
static bool copy(int file, int memory)
{
	static char buffer[1 << 16];
	off_t size = 0;
	for (;;) {
		const ssize_t got = read(file, buffer, sizeof buffer);
		if (got < 0)
			return false;
		if (got == 0)
			return true;
		size += got;
		if (size > MAX_INDEX_BYTES) {
			errno = EFBIG;
			return false;
		}
		const bool is_written = write_all(memory, buffer, (size_t)got);
		if (!is_written)
			return false;
	}
}

static void seal_at(int descriptor, int memory)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const int sealed = fcntl(memory, F_ADD_SEALS, seals);
	if (sealed != 0)
		fail(REFUSED, "Cannot seal memory: %m");
	pass_file(descriptor, memory);
}

void pass_file(int descriptor, int file)
{
	const int duplicate = dup2(file, descriptor);
	if (duplicate < 0)
		fail(status_of(errno), "Cannot seal memory: %m");
	close(file);
}

void seal_file(int descriptor, const char *name, int file, const char *path)
{
	const int memory = create_memory(name);
	const bool is_copied = copy(file, memory);
	if (!is_copied)
		fail(status_of(errno), "Cannot copy \"%s\" into memory: %m", path);
	seal_at(descriptor, memory);
}

void seal_text(int descriptor, const char *name, const char *text)
{
	const int memory = create_memory(name);
	const size_t length = strlen(text);
	const bool is_written = write_all(memory, text, length);
	if (!is_written)
		fail(status_of(errno), "Cannot copy \"%s\" into memory: %m", name);
	seal_at(descriptor, memory);
}
