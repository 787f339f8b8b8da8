/* Probes that change files outside of the granted directories, or memory by way of files. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int try_open(long flags)
{
	return outcome(open(setting("PROBE_FILE"), (int)flags));
}

static int try_truncate(long unused)
{
	(void)unused;
	return outcome(truncate(setting("PROBE_FILE"), 0));
}

static int try_remove(long unused)
{
	(void)unused;
	char path[4096];
	snprintf(path, sizeof path, "%s.removed", setting("PROBE_FILE"));
	const int made = open(path, O_WRONLY | O_CREAT, 0600);
	return made < 0 ? errno : outcome(unlink(path));
}

/* Landlock does not judge changes of a file's owner, mode and times. */
static int try_change_mode(long mode)
{
	return outcome(chmod(setting("PROBE_FILE"), (mode_t)mode));
}

static int try_change_times(long unused)
{
	(void)unused;
	return outcome(utimensat(AT_FDCWD, setting("PROBE_FILE"), NULL, 0));
}

static int try_own_memory(long unused)
{
	(void)unused;
	return outcome(open("/proc/self/mem", O_RDWR));
}

static int try_granted(long unused)
{
	(void)unused;
	return outcome(open(setting("PROBE_DIRECTORY"), O_TMPFILE | O_RDWR, 0600));
}

/* Makes a second device file with the number of /dev/null, in a granted directory. */
static int try_device(long unused)
{
	(void)unused;
	char path[4096];
	snprintf(path, sizeof path, "%s/device-%d", setting("PROBE_DIRECTORY"), getpid());
	const int error = outcome(mknod(path, S_IFCHR | 0600, makedev(1, 3)));
	unlink(path);
	return error;
}

static int try_attribute(long unused)
{
	(void)unused;
	return outcome(setxattr(setting("PROBE_FILE"), "user.probe", "x", 1, 0));
}

static int try_mount(long unused)
{
	(void)unused;
	/* The target is no directory. ENOTDIR shows that the process has the right to mount. */
	return outcome(mount("none", "/dev/null", "tmpfs", 0, NULL));
}

const struct probe FILES[] = {
	{"write-outside", try_open, O_WRONLY},
	{"read-outside", try_open, O_RDONLY},
	{"truncate-outside", try_truncate, 0},
	{"make-outside", try_remove, 0},
	{"change-mode-outside", try_change_mode, 0644},
	{"change-times-outside", try_change_times, 0},
	{"own-memory", try_own_memory, 0},
	{"write-granted", try_granted, 0},
	{"make-device", try_device, 0},
	{"set-attribute", try_attribute, 0},
	{"mount", try_mount, 0},
	{0},
};
