#define _GNU_SOURCE
#include "fixed-memory.h"
#include "../files/owned-file.h"
#include <errno.h>
#include <sys/mman.h>

/* Unlike a private mapping, a shared one of a descriptor without write access can never be made
 * writable. Kernels before 6.7 map sealed memory only privately. */
void *map_fixed(int descriptor, size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
	if (bytes == MAP_FAILED)
		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

void *copy_fixed(int descriptor, size_t size)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	const ssize_t count = read_all(descriptor, bytes, size);
	if (count == (ssize_t)size && mprotect(bytes, size, PROT_READ) == 0)
		return bytes;
	const int error = count >= 0 && count < (ssize_t)size ? ENODATA : errno;
	munmap(bytes, size);
	errno = error;
	return NULL;
}
