/* Landlock, by which the kernel restricts files, ports and sockets. */
#ifndef SIGTOOL_LAUNCH_LANDLOCK_H
#define SIGTOOL_LAUNCH_LANDLOCK_H

struct settings;

/* The versions of Landlock that added a part. */
enum {
	LANDLOCK_WITH_REFER = 2,
	LANDLOCK_WITH_TRUNCATE = 3,
	LANDLOCK_WITH_NETWORK = 4,
	LANDLOCK_WITH_DEVICES = 5,
	LANDLOCK_WITH_SCOPES = 6,
	LANDLOCK_WITH_LOG = 7,
	LANDLOCK_WITH_SOCKETS = 9,
};

/* Returns the version of Landlock, or 0 if the kernel has none. */
int landlock_version(void);

/* Restricts the process by Landlock. Then the process can execute only `program`, its dynamic
 * loader and the files of signed trees. It can change content and names of files only below the
 * `granted` directories, in /dev/null, and in the event file. It can open files that are there, and
 * do nothing else, below the last granted directory, that of the event file. It can reach only the
 * ports and sockets that `settings->network` allows. Returns the version of Landlock, or 0 if the
 * process could not be restricted. */
int restrict_by_landlock(const struct settings *settings, int program, const int *granted);

/* Lets the process write and make files only below an open directory, and execute nothing, as far
 * as the kernel can enforce that. If the directory is -1, nothing is allowed. */
void restrict_writing_to(int directory);

#endif
