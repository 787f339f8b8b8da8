/* Landlock, by which the kernel restricts files, ports and sockets. */
#ifndef SIGTOOL_LAUNCH_LANDLOCK_H
#define SIGTOOL_LAUNCH_LANDLOCK_H

struct settings;

/* Restricts the process by Landlock. Then the process can execute only `program`, its dynamic
 * loader and the files of signed trees. It can change content and names of files only below the
 * `granted` directories, in /dev/null, and in the event file. It can open files that are there, and
 * do nothing else, below the last granted directory, that of the event file. It can reach only the
 * ports and sockets that `settings->network` allows. Returns the version of Landlock, or 0 if the
 * process could not be restricted. */
int restrict_by_landlock(const struct settings *settings, int program, const int *granted);

#endif
