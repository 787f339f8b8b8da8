/* The directories below which the process may write. places.h has the interfaces of the parts that
 * find out what such a directory can reach. */
#ifndef SIGTOOL_LAUNCH_GRANTED_DIRECTORIES_H
#define SIGTOOL_LAUNCH_GRANTED_DIRECTORIES_H
#include "settings.h"

struct runtime;

/* Opens the directories below which the process may write, as O_PATH descriptors in the order of
 * `settings->writable`. Ends the process if a directory belongs to the kernel, or reaches a file
 * that decides what runs: the script, the runtime, its hook, its loader and libraries, the addon,
 * the index, the host configuration, the event file, a signed tree, this launcher or another, or
 * native code that the open `index` names. After them follows the directory of the event file if it
 * holds nothing else, else -1. */
void open_granted_directories(int granted[MAX_DIRECTORIES + 1], int index,
	const struct settings *settings, const struct runtime *runtime, const char *script,
	struct record *record);

#endif
