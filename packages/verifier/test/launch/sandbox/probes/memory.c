/* Probes that make memory executable after it was writable, and probes of core dumps. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Maps memory by the system call. spython has a function mmap() of its own. */
static void *map(size_t length, int protection, int flags, int file)
{
	return (void *)syscall(SYS_mmap, NULL, length, protection, flags, file, 0);
}

static int mapped(const void *memory)
{
	return memory == MAP_FAILED ? errno : 0;
}

static int try_map(long protection)
{
	return mapped(map(PAGE, (int)protection, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

/* Maps the same pages twice, first as code and then as writable memory, and runs a function in
 * them. */
static int try_alias(long unused)
{
	(void)unused;
	uint8_t *code = map(PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (code == MAP_FAILED)
		return errno;
	uint8_t *alias = mremap(code, 0, PAGE, MREMAP_MAYMOVE);
	if (alias == MAP_FAILED || mprotect(alias, PAGE, PROT_READ | PROT_WRITE) != 0)
		return errno;
	static const uint8_t RETURN_42[] = {0xb8, 42, 0, 0, 0, 0xc3};
	memcpy(alias, RETURN_42, sizeof RETURN_42);
	int (*function)(void);
	memcpy(&function, &code, sizeof function);
	return function() == 42 ? 0 : EINVAL;
}

static int try_change(long call)
{
	void *page = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (call == SYS_mprotect)
		return outcome(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	return outcome(syscall(call, page, PAGE, PROT_READ | PROT_EXEC, -1));
}

static int try_attach(long flags)
{
	const int segment = shmget(IPC_PRIVATE, PAGE, 0700);
	if (segment < 0)
		return errno;
	const void *attached = shmat(segment, NULL, (int)flags);
	const int error = attached == (void *)-1 ? errno : 0;
	shmctl(segment, IPC_RMID, NULL);
	return error;
}

/* Maps as code a file that the process can write. */
static int try_written_file(long kind)
{
	const int file = open(setting("PROBE_DIRECTORY"), O_TMPFILE | O_RDWR, 0700);
	if (file < 0 || ftruncate(file, PAGE) != 0)
		return errno;
	return mapped(map(PAGE, PROT_READ | PROT_EXEC, (int)kind, file));
}

/* Succeeds if a crash could write a core file or run the program of core_pattern. */
static int try_core_limit(long unused)
{
	(void)unused;
	struct rlimit limit;
	getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_cur == 1 && limit.rlim_max == 1 ? EPERM : 0;
}

/* Lowers the limit to 0, with which the kernel does run the program of core_pattern. */
static int try_lower_core_limit(long call)
{
	const struct rlimit none = {0, 0};
	struct rlimit now;
	const long result = call == SYS_prlimit64 ? syscall(call, 0, RLIMIT_CORE, &none, NULL)
											  : syscall(call, RLIMIT_CORE, &none);
	const int error = outcome(result);
	getrlimit(RLIMIT_CORE, &now);
	if (error != 0)
		return error;
	return now.rlim_cur == 0 ? 0 : NO_EFFECT;
}

static int try_other_limit(long unused)
{
	(void)unused;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	return outcome(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Sets a limit with which the process could write no more events. */
static int try_file_size_limit(long call)
{
	const struct rlimit limit = {RLIM_INFINITY - 1, RLIM_INFINITY};
	return outcome(call == SYS_prlimit64 ? syscall(call, 0, RLIMIT_FSIZE, &limit, NULL)
										 : syscall(call, RLIMIT_FSIZE, &limit));
}

static int try_crash(long unused)
{
	(void)unused;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	abort();
}

const struct probe MEMORY[] = {
	{"map-writable-code", try_map, PROT_READ | PROT_WRITE | PROT_EXEC},
	{"map-code-twice", try_alias, 0},
	{"map-code", try_map, PROT_READ | PROT_EXEC},
	{"mprotect-to-code", try_change, SYS_mprotect},
	{"pkey-mprotect-to-code", try_change, SYS_pkey_mprotect},
	{"attach-executable", try_attach, SHM_EXEC},
	{"attach-shared", try_attach, 0},
	{"map-written-file", try_written_file, MAP_PRIVATE},
	{"map-shared-file", try_written_file, MAP_SHARED},
	{"core-limit", try_core_limit, 0},
	{"file-size-limit-prlimit64", try_file_size_limit, SYS_prlimit64},
	{"lower-core-limit-prlimit64", try_lower_core_limit, SYS_prlimit64},
#ifdef SYS_setrlimit
	{"file-size-limit", try_file_size_limit, SYS_setrlimit},
	{"lower-core-limit", try_lower_core_limit, SYS_setrlimit},
#endif
	{"other-limit", try_other_limit, 0},
	{"crash", try_crash, 0},
	{0},
};
