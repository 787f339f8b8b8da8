/* Probes of capabilities, clocks, and calls that change or watch the whole system. If a call would
 * change something for other programs, the probe makes it with an invalid argument. Then an errno
 * other than EPERM shows that the process had the right. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The capabilities that docs/reference/launcher.md lists. CAP_FSETID and CAP_SYS_NICE are
 * tolerated, too. */
static const uint64_t KEPT = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH |
	1 << CAP_FOWNER | 1 << CAP_FSETID | 1 << CAP_KILL | 1 << CAP_SETGID | 1 << CAP_SETUID |
	1 << CAP_NET_BIND_SERVICE | 1 << CAP_IPC_LOCK | 1 << CAP_SYS_NICE;

/* Succeeds if a set of capabilities in /proc/self/status, such as CapBnd, has others than KEPT. */
static int exceeds(const char *set)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");
	while (status != NULL && fgets(line, sizeof line, status) != NULL) {
		if (strncmp(line, set, strlen(set)) != 0)
			continue;
		const uint64_t has = strtoull(line + strlen(set) + 1, NULL, 16);
		return (has & ~KEPT) == 0 ? EPERM : 0;
	}
	return NO_PROBE;
}

static int try_bounding(long unused)
{
	(void)unused;
	return exceeds("CapBnd");
}

static int try_permitted(long unused)
{
	(void)unused;
	return exceeds("CapPrm");
}

static int try_effective(long unused)
{
	(void)unused;
	return exceeds("CapEff");
}

/* Raises the priority, which needs CAP_SYS_NICE or a limit that allows it. */
static int try_low_priority(long unused)
{
	(void)unused;
	return outcome(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 1));
}

/* The call needs CAP_SYSLOG. The length is invalid, so the level of the console does not change. */
static int try_kernel_log(long unused)
{
	(void)unused;
	enum { CONSOLE_LEVEL = 8 };
	return outcome(klogctl(CONSOLE_LEVEL, NULL, 0));
}

static int try_clock(long call)
{
	/* A timespec with more than 999,999,999 nanoseconds is invalid, so the clock does not
	 * change. */
	const struct timespec time = {0, 2000000000};
	const struct timeval past = {0, 2000000};
	struct timex nothing = {0};
	switch (call) {
	case SYS_clock_settime:
		return outcome(syscall(call, CLOCK_REALTIME, &time));
	case SYS_settimeofday:
		return outcome(syscall(call, &past, NULL));
	case SYS_clock_adjtime:
		return outcome(syscall(call, CLOCK_REALTIME, &nothing));
	default:
		return outcome(syscall(call, &nothing));
	}
}

static int try_name(long call)
{
	struct utsname names;
	uname(&names);
	const char *name = call == SYS_sethostname ? names.nodename : names.domainname;
	return outcome(syscall(call, name, strlen(name)));
}

static int try_quota(long unused)
{
	(void)unused;
	/* The command is Q_SYNC for user quotas. */
	const int root = open("/", O_RDONLY | O_DIRECTORY);
	return outcome(syscall(443 /* quotactl_fd */, root, 0x80000100, 0, NULL));
}

static int try_fanotify(long flags)
{
	return outcome(fanotify_init((unsigned)flags, O_RDONLY));
}

static int try_ring(long call)
{
	struct io_uring_params parameters = {0};
	if (call == SYS_io_uring_setup)
		return outcome(syscall(call, 1, &parameters));
	return outcome(syscall(call, -1, 0, 0, 0, 0, 0));
}

const struct probe SYSTEM[] = {
	{"capabilities-bounding", try_bounding, 0},
	{"capabilities-permitted", try_permitted, 0},
	{"capabilities-effective", try_effective, 0},
	{"priority", try_low_priority, 0},
	{"kernel-log-level", try_kernel_log, 0},
	{"clock-settime", try_clock, SYS_clock_settime},
	{"settimeofday", try_clock, SYS_settimeofday},
	{"adjtimex", try_clock, SYS_adjtimex},
	{"clock-adjtime", try_clock, SYS_clock_adjtime},
	{"sethostname", try_name, SYS_sethostname},
	{"setdomainname", try_name, SYS_setdomainname},
	{"quotactl-fd", try_quota, 0},
	{"fanotify", try_fanotify, FAN_CLASS_NOTIF | FAN_REPORT_FID},
	{"fanotify-content", try_fanotify, FAN_CLASS_CONTENT},
	{"io-uring-setup", try_ring, SYS_io_uring_setup},
	{"io-uring-enter", try_ring, SYS_io_uring_enter},
	{"io-uring-register", try_ring, SYS_io_uring_register},
	{0},
};
