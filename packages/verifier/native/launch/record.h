/* The record of the launcher's decisions, for the hook. */
#ifndef SIGTOOL_LAUNCH_RECORD_H
#define SIGTOOL_LAUNCH_RECORD_H
#include "../shared/settings/constants.h"
#include <stddef.h>

/* Lines of `key value` that tell the hook how the launcher was called, and what it decided. */
struct record {
	size_t length;
	char text[MAX_RECORD_BYTES];
};

/* Adds a line. A value with a line break ends the process, because it could forge a line. */
void add_line(struct record *record, const char *key, const char *value);

/* Adds a line `root` for each line of `roots`, which is that of the settings. */
void add_roots(struct record *record, const char *roots);

#endif
