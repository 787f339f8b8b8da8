/* Refuses in strict mode to CPython's module `mmap` to map memory or a file as code. Its event says
 * nothing about protection. The policy allows it by `launch.writableCode`.
 *
 * Other native code is not judged here: libffi maps code for the callbacks of ctypes in the same
 * ways, and native code can make the system call itself. The launcher restricts both. */
#define _GNU_SOURCE
#include "../trust/trust.h"
#include "calls.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_refused(void *caller, int protection, int flags)
{
	if ((protection & PROT_EXEC) == 0 || rules.mode != MODE_STRICT)
		return false;
	if (rules.writable_code == WRITABLE_CODE_ALLOW || !is_of_object_with(caller, "PyInit_mmap"))
		return false;
	return is_call_refused("mmap", (flags & MAP_ANONYMOUS) != 0 ? "memory" : "file",
		"memory is not for code that no index names (policy: launch.writableCode)");
}

static void *map(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

REPLACES void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
	if (!is_refused(__builtin_return_address(0), protection, flags))
		return map(address, length, protection, flags, file, offset);
	errno = EACCES;
	return MAP_FAILED;
}

REPLACES void *mmap64(
	void *address, size_t length, int protection, int flags, int file, off64_t offset)
{
	if (!is_refused(__builtin_return_address(0), protection, flags))
		return map(address, length, protection, flags, file, offset);
	errno = EACCES;
	return MAP_FAILED;
}
