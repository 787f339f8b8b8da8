/* Probes of ioctl(). PROBE_FILE is a file of the user's outside of the granted directories, which
 * is open for reading here. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Requests that are missing in headers, or only in those of one file system. */
enum {
	ENABLE_VERITY = 0x40806685,
	MEASURE_VERITY = 0xc0046686,
	SET_ENCRYPTION_POLICY = 0x800c6613,
	DEDUPLICATE = 0xc0189436,
	SET_FAT_ATTRIBUTES = 0x40047211,
	BTRFS_SNAPSHOT = 0x50009401,
	BTRFS_SUBVOLUME = 0x5000940e,
	KEYBOARD_TYPE = 0x4b33,
	USERFAULTFD_NEW = 0xaa00,
};

/* The kernel reads only the lower 32 bits of a request, so a filter must do the same. */
static const long HIGH_BITS = 1L << 32;

static int try_set_flags(long unused)
{
	(void)unused;
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	int flags = 0;
	const int unreadable = outcome(ioctl(file, FS_IOC_GETFLAGS, &flags));
	if (unreadable != 0)
		return unreadable;
	flags |= FS_NODUMP_FL;
	return outcome(ioctl(file, FS_IOC_SETFLAGS, &flags));
}

static int try_get_flags(long unused)
{
	(void)unused;
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	int flags;
	return outcome(ioctl(file, FS_IOC_GETFLAGS, &flags));
}

static int try_extended_flags(long sets)
{
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	struct fsxattr attributes = {0};
	const int unreadable = outcome(ioctl(file, FS_IOC_FSGETXATTR, &attributes));
	if (unreadable != 0 || !sets)
		return unreadable;
	attributes.fsx_xflags |= FS_XFLAG_NODUMP;
	return outcome(ioctl(file, FS_IOC_FSSETXATTR, &attributes));
}

/* Makes a request on PROBE_FILE, with zeros as its argument. */
static int try_file(long request)
{
	char argument[4096] = {0};
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	return outcome(ioctl(file, (unsigned long)request, argument));
}

/* Makes a request on a pipe, although only devices know the request. */
static int try_pipe(long request)
{
	char argument[64] = {0};
	int ends[2];
	if (pipe(ends) != 0)
		return errno;
	return outcome(syscall(SYS_ioctl, ends[0], request, argument));
}

static int try_map_extents(long unused)
{
	(void)unused;
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	struct fiemap map = {.fm_length = 4096};
	return outcome(ioctl(file, FS_IOC_FIEMAP, &map));
}

/* Only root can open this device. Other users make the request on a pipe. */
static int try_keyboard(long request)
{
	char argument[64] = {0};
	const int device = open("/dev/tty0", O_RDONLY | O_NOCTTY);
	return device < 0 ? try_pipe(request)
					  : outcome(ioctl(device, (unsigned long)request, argument));
}

static int try_page_faults(long request)
{
	const int device = open("/dev/userfaultfd", O_RDONLY);
	return device < 0 ? try_pipe(request) : outcome(ioctl(device, (unsigned long)request, 0));
}

static int try_clone_file(long unused)
{
	(void)unused;
	char path[4096];
	snprintf(path, sizeof path, "%s/clone-%d", setting("PROBE_DIRECTORY"), getpid());
	const int source = open(setting("PROBE_FILE"), O_RDONLY);
	const int target = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	unlink(path);
	return outcome(ioctl(target, FICLONE, source));
}

static int try_random_device(long unused)
{
	(void)unused;
	int bits;
	const int device = open("/dev/urandom", O_RDONLY);
	return outcome(ioctl(device, RNDGETENTCNT, &bits));
}

static int try_terminal(long request)
{
	char argument[64] = {0};
	const int terminal = open("/dev/tty", O_RDONLY);
	if (terminal < 0)
		return errno;
	return outcome(ioctl(terminal, (unsigned long)request, argument));
}

/* Makes a subvolume or a snapshot in the directory PROBE_BTRFS, which is not granted. */
static int try_btrfs(long request)
{
	struct {
		int64_t descriptor;
		char name[4088];
	} argument = {0};
	const int directory = open(setting("PROBE_BTRFS"), O_RDONLY | O_DIRECTORY);
	argument.descriptor = directory;
	snprintf(argument.name, sizeof argument.name, "made-%d", getpid());
	return outcome(ioctl(directory, (unsigned long)request, &argument));
}

/* Takes a lease, which delays every other process that opens the file. */
static int try_lease(long unused)
{
	(void)unused;
	const int file = open(setting("PROBE_FILE"), O_RDONLY);
	return outcome(fcntl(file, F_SETLEASE, F_RDLCK));
}

const struct probe IOCTLS[] = {
	{"take-lease", try_lease, 0},
	{"set-flags", try_set_flags, 0},
	{"set-extended-flags", try_extended_flags, 1},
	{"enable-verity", try_file, ENABLE_VERITY},
	{"set-encryption-policy", try_file, SET_ENCRYPTION_POLICY},
	{"set-version", try_file, FS_IOC_SETVERSION},
	{"set-fat-attributes", try_file, SET_FAT_ATTRIBUTES},
	{"get-flags", try_get_flags, 0},
	{"get-extended-flags", try_extended_flags, 0},
	{"map-extents", try_map_extents, 0},
	{"measure-verity", try_file, MEASURE_VERITY},
	{"deduplicate", try_file, DEDUPLICATE},
	{"clone-file", try_clone_file, 0},
	{"btrfs-subvolume", try_btrfs, BTRFS_SUBVOLUME},
	{"btrfs-snapshot", try_btrfs, BTRFS_SNAPSHOT},
	{"type-character", try_pipe, TIOCSTI},
	{"type-character-high-bits", try_pipe, TIOCSTI | HIGH_BITS},
	{"type-selection", try_pipe, TIOCLINUX},
	{"set-line-discipline", try_pipe, TIOCSETD},
	{"keyboard", try_keyboard, KEYBOARD_TYPE},
	{"userfaultfd-device", try_page_faults, USERFAULTFD_NEW},
	{"pipe-bytes", try_pipe, FIONREAD},
	{"random-device", try_random_device, 0},
	{"terminal-line-discipline", try_terminal, TIOCSETD},
	{"terminal-type-character", try_terminal, TIOCSTI},
	{"terminal-settings", try_terminal, TCGETS},
	{0},
};
