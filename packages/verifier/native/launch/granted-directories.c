/* Guarantees that no directory is made writable if that would let the process change a file that
 * decides what may run, a file of the kernel, or a library of the runtime. This file lists what is
 * protected. protected-places.c finds such a file by its path, by a link on its path, and by a
 * mount, and hard-links.c by a hard link. The directories are opened here, so replacing one by a
 * link later does not make another directory writable. */
#define _GNU_SOURCE
#include "granted-directories.h"
#include "places.h"
#include "record.h"
#include "refusal.h"
#include "runtime.h"
#include "settings.h"
#include "shared-index.h"
#include "../shared/process/exit-status.h"
#include "../shared/settings/mode.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Returns true if the files on this mount are settings, devices or processes of the kernel. TYPES
 * has the names of such file systems as in /proc/filesystems. */
static bool is_of_kernel(const struct mount *mount)
{
	static const char *const TYPES[] = {"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2",
		"debugfs", "tracefs", "securityfs", "configfs", "bpf", "binfmt_misc", "efivarfs",
		"selinuxfs", "smackfs", "pstore", "resctrl", "fusectl", "nfsd", "rpc_pipefs"};
	for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
		if (strcmp(mount->type, TYPES[i]) == 0)
			return true;
	}
	return false;
}

/* Ends the process if the directory belongs to the kernel. The type of the mount alone does not
 * show this: the mount may be unlisted, and other file systems are mounted below /proc and /sys. So
 * the path, and the type that fstatfs() tells, are checked too. */
static void require_not_of_kernel(const struct granted *granted)
{
	struct statfs file_system = {0};
	const struct mount *mount = granted->location.mount;
	const int failed = fstatfs(granted->descriptor, &file_system);
	if (failed)
		require_answer(granted->real);
	if (failed || file_system.f_type == PROC_SUPER_MAGIC || file_system.f_type == SYSFS_MAGIC ||
		file_system.f_type == DEVPTS_SUPER_MAGIC || strcmp(granted->real, "/dev") == 0 ||
		below(granted->real, "/sys") != NULL || below(granted->real, "/proc") != NULL ||
		(mount != NULL && is_of_kernel(mount)))
		fail(REFUSED, "Cannot make \"%s\" writable: it belongs to the kernel", granted->real);
}

static void require_no_kernel_beneath(const struct granted *granted)
{
	const struct mount *mount = next_mount_beneath(NULL, granted->real);
	for (; mount != NULL; mount = next_mount_beneath(mount, granted->real)) {
		if (is_of_kernel(mount))
			fail(REFUSED,
				"Cannot make \"%s\" writable: \"%s\" in it belongs to the kernel (%s); grant "
				"another directory",
				granted->real, mount->point, mount->type);
	}
}

static void open_granted(struct granted *granted, const char *path, const struct settings *settings)
{
	granted->descriptor = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (granted->descriptor < 0 || fstat(granted->descriptor, &granted->status) != 0)
		fail(status_of_argument(errno), "Cannot make \"%s\" writable: %m", path);
	real_path(granted->descriptor, granted->real);
	locate(granted->descriptor, granted->real, &granted->location, settings);
	require_not_of_kernel(granted);
}

/* Writes the paths of the launcher itself and of the launcher.conf beside it. */
static void find_own_files(char program[PATH_MAX], char settings_file[PATH_MAX])
{
	const ssize_t length = readlink("/proc/self/exe", program, PATH_MAX - 1);
	if (length <= 0)
		fail(UNDECIDED, "Cannot start: /proc does not tell where the launcher is");
	program[length] = '\0';
	char directory[PATH_MAX];
	snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(program, '/') - program), program);
	join(settings_file, directory, "/launcher.conf");
}

/* Ends the process if one of the files that decide what may run can be reached through a directory
 * of the guard. */
static void protect_all(
	struct guard *guard, const char *const *deciding, size_t deciding_count, const char *program)
{
	for (size_t i = 0; i < deciding_count; i++) {
		if (deciding[i] != NULL)
			protect(deciding[i], guard);
	}
	for (size_t i = 0; i < guard->settings->tree_count; i++)
		protect(guard->settings->trees[i], guard);
	each_configured_file(guard->settings, protect, guard);
	guard->kind = HOLDS_LIBRARIES;
	each_library_place(program, protect, guard);
}

void open_granted_directories(int granted[MAX_DIRECTORIES + 1], int index,
	const struct settings *settings, const struct runtime *runtime, const char *script,
	struct record *record)
{
	static struct granted all[MAX_DIRECTORIES + 1];
	static char launcher[PATH_MAX];
	static char settings_file[PATH_MAX];
	static char indexes[PATH_MAX];
	static char events_directory[PATH_MAX];
	const size_t writable_count = settings->writable_count;
	struct guard guard = {all, writable_count, settings, MAY_CONTAIN_GRANTED};
	granted[writable_count] = -1;
	if (settings->audit != NULL && has_own_directory(settings->audit, events_directory))
		guard.count++;
	if (guard.count == 0)
		return;
	read_mounts();
	for (size_t i = 0; i < guard.count; i++) {
		const bool is_writable = i < writable_count;
		open_granted(&all[i], is_writable ? settings->writable[i] : events_directory, settings);
		granted[i] = all[i].descriptor;
		if (is_writable)
			add_line(record, "write", all[i].real);
	}

	find_own_files(launcher, settings_file);
	const bool has_place = name_shared(indexes, "");
	/* The name of a module is no path, so the script counts only if it is a file. */
	const bool has_script = access(script, F_OK) == 0;
	if (!has_script)
		require_answer(script);
	const char *const deciding[] = {
		has_script ? script : NULL,
		runtime->program,
		settings->index,
		settings->config,
		runtime->hook,
		runtime->addon,
		runtime->gate,
		launcher,
		settings_file,
		has_place ? indexes : NULL,
		/* The last one lies in its own directory. */
		settings->audit,
	};
	const size_t deciding_count = sizeof deciding / sizeof *deciding;
	struct guard writable = guard;
	writable.count = writable_count;
	if (settings->audit != NULL)
		protect(settings->audit, &writable);
	protect_all(&guard, deciding, deciding_count - 1, runtime->program);
	for (size_t i = 0; i < guard.count; i++) {
		require_no_kernel_beneath(&all[i]);
		require_known_mounts(&all[i]);
		require_no_other_launcher(&all[i], settings_file, settings);
	}
	require_no_signed_code(index, all, writable_count, settings);
	require_no_hard_links(all, writable_count, deciding, deciding_count, settings);
}
