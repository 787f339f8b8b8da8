/* Takes rights from the process before it executes the runtime, in the modes enforce and strict. No
 * hook could prevent the use of these rights. The filter of lockdown.c is installed last, because
 * it refuses memfd_create(), which is needed to seal the record of the launcher's decisions. */
#define _GNU_SOURCE
#include "restrictions.h"
#include "../shared/confinement/capabilities.h"
#include "landlock.h"
#include "../shared/confinement/landlock-rules.h"
#include "../shared/confinement/lockdown.h"
#include "protections.h"
#include "record.h"
#include "refusal.h"
#include "runtime.h"
#include "settings.h"
#include "../shared/events/event-line.h"
#include "../shared/process/exit-status.h"
#include "../shared/settings/mode.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Servers need these capabilities: to change the owners and modes of files, to read and write files
 * of others, to become another user, to signal processes of other users, to listen on a low port,
 * and to lock memory. */
static const int KEPT_CAPABILITIES[] = {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_DAC_READ_SEARCH,
	CAP_FOWNER,
	CAP_KILL,
	CAP_SETGID,
	CAP_SETUID,
	CAP_NET_BIND_SERVICE,
	CAP_IPC_LOCK,
};

static uint64_t kept_capabilities(void)
{
	uint64_t kept = 0;
	for (size_t i = 0; i < sizeof KEPT_CAPABILITIES / sizeof *KEPT_CAPABILITIES; i++)
		kept |= UINT64_C(1) << KEPT_CAPABILITIES[i];
	return kept;
}

/* Says that a crash gives the memory of the process to somebody, whom `what` names, and how to
 * prevent it. Mode strict ends the process instead. */
static void lack_core_dumps(const char *name, const char *what, const char *way_out,
	const struct settings *settings, struct record *record)
{
	if (settings->mode == MODE_STRICT)
		fail(REFUSED, "Cannot enforce strictly: %s; %s", what, way_out);
	dprintf(STDERR_FILENO, "sigtool-launch: %s\n", what);
	add_line(record, "missing", name);
}

/* Sets the limit of core dumps to 1, because for this value alone the kernel neither writes a core
 * file nor runs the program that core_pattern names. With 0 it would still run that program, and
 * where the hard limit is 0, only root can raise it. */
static void refuse_core_dumps(const struct settings *settings, struct record *record)
{
	static const char PATTERN[] = "/proc/sys/kernel/core_pattern";
	struct rlimit limit = {1, 1};
	if (setrlimit(RLIMIT_CORE, &limit) != 0)
		require_answer("the limit of core dumps");
	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		fail(status_of(errno), "Cannot look at \"the limit of core dumps\": %m");

	char pattern = '\0';
	const int file = open(PATTERN, O_RDONLY | O_CLOEXEC);
	const ssize_t got = file < 0 ? -1 : read(file, &pattern, sizeof pattern);
	if (got < 0)
		require_answer(PATTERN);
	close(file);
	if (got < 0)
		lack_core_dumps("core-pattern",
			"core_pattern cannot be read, so that the memory of a crashed process may go anywhere",
			"let this user read /proc/sys/kernel/core_pattern", settings, record);
	/* Since Linux 6.16 a pattern that begins with `@` names a socket, to which the kernel sends
	 * every dump. */
	if (pattern == '@')
		lack_core_dumps("core-pattern",
			"core_pattern sends the memory of crashed processes to a socket",
			"set another kernel.core_pattern", settings, record);
	if (limit.rlim_cur != 1 && (got < 0 || pattern == '|'))
		lack_core_dumps("core-limit",
			"core_pattern gives the memory of crashed processes to a program, because the hard "
			"limit "
			"of core dumps is 0",
			"allow a limit of 1 (LimitCORE=1), or set another kernel.core_pattern", settings,
			record);
}

/* Requires, if the process is root's, that the mount of each granted directory is nosuid. A file of
 * root with the set-user-ID bit gives root's rights to every user who starts it. The filter refuses
 * to set the bit, so nosuid is a second barrier. If a mount is not nosuid, mode strict ends the
 * process, and mode enforce reports the directory. */
static void require_nosuid(
	const struct settings *settings, const int *granted, struct record *record)
{
	if (geteuid() != 0)
		return;
	bool is_recorded = false;
	for (size_t i = 0; i < settings->writable_count; i++) {
		struct statvfs file_system;
		const int failed = fstatvfs(granted[i], &file_system);
		if (failed != 0)
			require_answer(settings->writable[i]);
		if (failed == 0 && (file_system.f_flag & ST_NOSUID) != 0)
			continue;
		const char *directory = settings->writable[i];
		if (settings->mode == MODE_STRICT)
			fail(REFUSED,
				"Cannot enforce strictly: root may write \"%s\", whose mount is not nosuid; "
				"mount it with nosuid, or run as another user",
				directory);
		dprintf(STDERR_FILENO,
			"sigtool-launch: warning: root may write \"%s\", whose mount is not nosuid: "
			"mount it with nosuid, or run as another user\n",
			directory);
		if (!is_recorded)
			add_line(record, "missing", "nosuid");
		is_recorded = true;
	}
}

static void lack_landlock(int version, const struct settings *settings, struct record *record)
{
	const struct network *network = &settings->network;
	if (version < 1) {
		lack(LANDLOCK, settings, record);
		return;
	}
	if (version < LANDLOCK_WITH_TRUNCATE)
		lack(LANDLOCK_TRUNCATE, settings, record);
	if (version < LANDLOCK_WITH_NETWORK && (network->limits_bind || network->limits_connect))
		lack(LANDLOCK_NETWORK, settings, record);
	if (version < LANDLOCK_WITH_DEVICES)
		lack(LANDLOCK_DEVICES, settings, record);
	if (version < LANDLOCK_WITH_SCOPES)
		lack(LANDLOCK_SCOPES, settings, record);
	if (version < LANDLOCK_WITH_LOG)
		lack(LANDLOCK_LOG, settings, record);
	if (version < LANDLOCK_WITH_SOCKETS && network->limits_sockets)
		lack(LANDLOCK_SOCKETS, settings, record);
}

bool restrict_process(const struct settings *settings, const struct runtime *runtime, int program,
	const int *granted, struct record *record)
{
	refuse_core_dumps(settings, record);
	require_nosuid(settings, granted, record);

	/* Without a collector the event file must exist before Landlock can allow writing to it. */
	if (settings->audit != NULL && !settings->collects) {
		const int file = open_event_file(settings->audit, true, true);
		/* If open() fails for a reason that may pass, such as a full disk, the process ends with
		 * the status for such faults. Without this check, Landlock would later keep the hook from
		 * making the file, and that failure would look like a lasting one. */
		if (file < 0 && status_of(errno) == UNDECIDED) {
			char reason[PATH_MAX + 256];
			explain_event_file(settings->audit, reason, sizeof reason);
			fail(UNDECIDED, "%s", reason);
		}
		close(file);
	}

	const bool denies_interactive = deny_interactive();
	if (!denies_interactive) {
		require_answer("securebits");
		lack(SECUREBITS, settings, record);
	}
	/* Node.js compiles JavaScript to machine code in memory, so this restriction is only for
	 * CPython. */
	if (runtime->is_python && !settings->allows_writable_code) {
		const bool denies_writable_code = deny_writable_code();
		if (!denies_writable_code) {
			require_answer("writable-code");
			lack(WRITABLE_CODE, settings, record);
		}
	}

	const int version = restrict_by_landlock(settings, program, granted);
	lack_landlock(version, settings, record);
	const bool filters = can_filter_calls();
	if (!filters) {
		require_answer("seccomp");
		lack(SECCOMP, settings, record);
		lack(SIGNAL_OWNERS, settings, record);
	}
	if (!keep_capabilities(kept_capabilities()))
		fail(status_of(errno), "Cannot drop capabilities: %m");
	return filters;
}
