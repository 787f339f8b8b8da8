/* The rights that the process gives up. */
#ifndef SIGTOOL_LAUNCH_RESTRICTIONS_H
#define SIGTOOL_LAUNCH_RESTRICTIONS_H
#include <stdbool.h>

struct record;
struct runtime;
struct settings;

/* Takes from the process the rights that docs/reference/launcher.md lists, except system calls,
 * which restrict_calls() takes later. Reports by lack() what this kernel cannot take. Returns true
 * if it can filter system calls. */
bool restrict_process(const struct settings *settings, const struct runtime *runtime, int program,
	const int *granted, struct record *record);

#endif
