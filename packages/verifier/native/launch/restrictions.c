/* Guarantees that the process has lost, before a runtime is executed in mode enforce or strict, the
 * rights that no hook inside it could refuse; and that a right which this kernel cannot take is
 * named, or in strict ends the start. System calls are filtered last, by lockdown.c: sealing the
 * record makes a memory file, which the filter refuses. */
#define _GNU_SOURCE
#include "launch.h"
#include "../shared/event-line.h"
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SECBIT_EXEC_DENY_INTERACTIVE and its lock, of Linux 6.14: interpreters that ask for it take no
 * code from a person. */
enum { DENY_INTERACTIVE = 1 << 10, DENY_INTERACTIVE_LOCKED = 1 << 11 };

bool can_filter_calls(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Records and says that the kernel lacks something on which enforcement depends; mode strict does
 * not start without it. */
static void lack(const char *feature, const struct settings *settings, struct record *record)
{
	if (settings->mode == MODE_STRICT)
		fail(REFUSED, "Cannot enforce strictly: this kernel lacks %s", feature);
	dprintf(STDERR_FILENO,
		"sigtool-launch: this kernel lacks %s; docs/launcher.md tells what that leaves open\n",
		feature);
	add_line(record, "missing", feature);
}

static bool deny_interactive(void)
{
	const int now = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	const int wanted = now | DENY_INTERACTIVE | DENY_INTERACTIVE_LOCKED;
	return prctl(PR_SET_SECUREBITS, wanted, 0, 0, 0) == 0;
}

void restrict_process(const struct settings *settings, int program, const int *granted,
	bool can_filter, struct record *record)
{
	const struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);

	/* The file of events must exist before Landlock can allow writing to it. */
	if (settings->audit != NULL) {
		const int file = open_event_file(settings->audit);
		close(file);
	}

	/* Enforcement does not depend on it, so it is recorded only. */
	const bool is_denied = deny_interactive();
	if (!is_denied)
		add_line(record, "missing", "securebits");

	const int version = restrict_files(settings, program, granted);
	if (version < 1)
		lack("landlock", settings, record);
	else if (version < 3)
		lack("landlock-truncate", settings, record);
	if (!can_filter)
		lack("seccomp", settings, record);
}
