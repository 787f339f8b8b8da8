/* Takes rights from the process before it executes the runtime, in the modes enforce and strict.
 * These are rights whose use no hook could prevent. If the kernel lacks a feature on which
 * enforcement depends, that is reported, and in mode strict the start fails. The filter of
 * lockdown.c is installed last, because it refuses memfd_create(), which is needed to seal the
 * record of the launcher's decisions. */
#define _GNU_SOURCE
#include "launch.h"
#include "../shared/event-line.h"
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SECBIT_EXEC_DENY_INTERACTIVE and its lock (Linux 6.14). Interpreters that read this bit accept no
 * interactive code. */
enum { DENY_INTERACTIVE = 1 << 10, DENY_INTERACTIVE_LOCKED = 1 << 11 };

bool can_filter_calls(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Reports that the kernel lacks a feature on which enforcement depends, and adds it to the record.
 * Mode strict ends the process instead. */
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

	/* Enforcement does not depend on the securebits, so a failure is only recorded. */
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
