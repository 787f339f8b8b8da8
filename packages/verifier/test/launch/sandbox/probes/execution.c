/* Probes that start a program. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXECVE_CHECK = 0x10000 };

static char *ARGUMENTS[] = {"true", NULL};
static char *NO_VARIABLES[] = {NULL};

static int try_path(long call)
{
	if (call == SYS_execve)
		return outcome(syscall(SYS_execve, "/bin/true", ARGUMENTS, NO_VARIABLES));
	return outcome(syscall(SYS_execveat, AT_FDCWD, "/bin/true", ARGUMENTS, NO_VARIABLES, 0));
}

static int try_descriptor(long flags)
{
	/* Landlock lets the process execute only its own program, /proc/self/exe. */
	const char *path = flags == EXECVE_CHECK ? "/proc/self/exe" : "/bin/true";
	const int program = open(path, O_RDONLY);
	return outcome(
		syscall(SYS_execveat, program, "", ARGUMENTS, NO_VARIABLES, AT_EMPTY_PATH | (int)flags));
}

static int try_memory_file(long unused)
{
	(void)unused;
	return outcome(memfd_create("probe", 0));
}

/* Repeats the launcher's own execveat(). A debugger has learned its addresses, its descriptor and
 * its secret. The probe puts a path and an argv at the same addresses. If the kernel allows the
 * call, it executes a runtime without hook and flags. `change` is added to the secret. */
static int try_replay(long change)
{
	enum { PAGE = 4096, ROOM = 2 * PAGE };
	unsigned long path;
	unsigned long arguments;
	unsigned long secret;
	int descriptor;
	FILE *learned = fopen(setting("PROBE_LEARNED"), "r");
	if (learned == NULL)
		return errno;
	const int read = fscanf(learned, "%d %lx %lx %lx", &descriptor, &path, &arguments, &secret);
	if (read != 4)
		return NO_PROBE;

	const int program = open("/proc/self/exe", O_RDONLY);
	dup3(program, descriptor, 0);
	/* Node.js sets FD_CLOEXEC on the standard descriptors. */
	for (int standard = 0; standard <= STDERR_FILENO; standard++)
		fcntl(standard, F_SETFD, 0);
	const unsigned long needed[] = {path, arguments};
	for (int i = 0; i < 2; i++) {
		void *page = (void *)(needed[i] & ~(PAGE - 1UL));
		void *got = mmap(page, ROOM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (got != page && errno != EEXIST)
			return NO_PROBE;
	}
	/* New anonymous memory is zero, so the path is the empty string. */
	char **argv = (char **)arguments;
	argv[0] = "probe";
	argv[1] = (char *)setting("PROBE_OPTION");
	argv[2] = (char *)setting("PROBE_CODE");
	argv[3] = NULL;
	return outcome(syscall(SYS_execveat, descriptor, path, argv, NO_VARIABLES, AT_EMPTY_PATH,
		secret + (unsigned long)change));
}

const struct probe EXECUTION[] = {
	{"execve", try_path, SYS_execve},
	{"execveat", try_path, SYS_execveat},
	{"execveat-descriptor", try_descriptor, 0},
	{"execveat-check", try_descriptor, EXECVE_CHECK},
	{"memfd-create", try_memory_file, 0},
	{"replay", try_replay, 0},
	{"replay-low-half", try_replay, 1},
	{"replay-high-half", try_replay, 1L << 32},
	{0},
};
