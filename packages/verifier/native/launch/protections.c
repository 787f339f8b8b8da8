/* Lists the protections that enforcement uses and that a kernel may lack, with the first version of
 * Linux that has each. The list also says if enforcement depends on the protection.
 * docs/reference/launcher.md tells what a kernel without the protection leaves open. */
#define _GNU_SOURCE
#include "protections.h"
#include "landlock.h"
#include "record.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include "../shared/confinement/landlock-rules.h"
#include "../shared/confinement/lockdown.h"
#include "../shared/settings/mode.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The record names each missing protection. A protection on which enforcement depends is NAMED: if
 * it is missing, it is also named on standard error, and mode strict refuses to start. */
enum need { RECORDED, NAMED };

static const struct row {
	const char *name;
	const char *since;
	enum need need;
	/* The version of Landlock that has the protection, or 0 if the protection is not one of
	 * Landlock. */
	int landlock;
} ROWS[PROTECTION_COUNT] = {
	[LANDLOCK] = {"landlock", "5.13", NAMED, 1},
	[LANDLOCK_TRUNCATE] = {"landlock-truncate", "6.2", NAMED, LANDLOCK_WITH_TRUNCATE},
	[LANDLOCK_NETWORK] = {"landlock-network", "6.7", NAMED, LANDLOCK_WITH_NETWORK},
	[LANDLOCK_DEVICES] = {"landlock-devices", "6.10", RECORDED, LANDLOCK_WITH_DEVICES},
	[LANDLOCK_SCOPES] = {"landlock-scopes", "6.12", NAMED, LANDLOCK_WITH_SCOPES},
	[LANDLOCK_LOG] = {"landlock-log", "6.15", RECORDED, LANDLOCK_WITH_LOG},
	[LANDLOCK_SOCKETS] = {"landlock-sockets", "7.1", NAMED, LANDLOCK_WITH_SOCKETS},
	[SECCOMP] = {"seccomp", "4.14", NAMED, 0},
	[SIGNAL_OWNERS] = {"signal-owners", "4.14", NAMED, 0},
	[WRITABLE_CODE] = {"writable-code", "6.3", NAMED, 0},
	[SECUREBITS] = {"securebits", "6.14", RECORDED, 0},
};

void lack(enum protection protection, const struct settings *settings, struct record *record)
{
	const struct row *row = &ROWS[protection];
	if (row->need == NAMED && settings->mode == MODE_STRICT)
		fail(REFUSED, "Cannot enforce strictly: this kernel lacks %s (Linux %s)", row->name,
			row->since);
	if (row->need == NAMED)
		dprintf(STDERR_FILENO,
			"sigtool-launch: this kernel lacks %s (Linux %s); "
			"docs/reference/launcher.md tells what that leaves open\n",
			row->name, row->since);
	add_line(record, "missing", row->name);
}

bool deny_interactive(void)
{
	/* These are SECBIT_EXEC_DENY_INTERACTIVE and its lock (Linux 6.14). */
	enum { DENY_INTERACTIVE = 1 << 10, DENY_INTERACTIVE_LOCKED = 1 << 11 };
	const int now = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	if (now < 0)
		return false;
	const int wanted = now | DENY_INTERACTIVE | DENY_INTERACTIVE_LOCKED;
	return prctl(PR_SET_SECUREBITS, wanted, 0, 0, 0) == 0;
}

bool deny_writable_code(void)
{
	/* These are PR_SET_MDWE and PR_MDWE_REFUSE_EXEC_GAIN (Linux 6.3). An executed program inherits
	 * this setting. */
	enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };
	return prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0;
}

static bool holds(enum protection protection, int landlock)
{
	switch (protection) {
	case SECCOMP:
		return can_filter_calls();
	case SIGNAL_OWNERS:
		return refuses_signal_owners();
	case WRITABLE_CODE:
		return deny_writable_code();
	case SECUREBITS:
		return deny_interactive();
	default:
		return landlock >= ROWS[protection].landlock;
	}
}

int print_protections(void)
{
	const int landlock = landlock_version();
	for (int i = 0; i < PROTECTION_COUNT; i++) {
		const bool is_there = holds(i, landlock);
		printf("%s\t%s\t%s\t%s\n", ROWS[i].name, ROWS[i].since,
			ROWS[i].need == NAMED ? "required" : "optional", is_there ? "holds" : "missing");
	}
	const int failed = fflush(stdout);
	if (failed != 0)
		fail(status_of(errno), "Cannot print the protections: %m");
	return 0;
}
