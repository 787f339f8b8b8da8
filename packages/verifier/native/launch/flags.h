/* The flags of each runtime. */
#ifndef SIGTOOL_LAUNCH_FLAGS_H
#define SIGTOOL_LAUNCH_FLAGS_H

struct options;
struct runtime;
struct settings;

/* The most elements of argv that precede the script: the program and the flags. */
enum { MAX_FLAGS = 24 };

/* Both functions append at most MAX_FLAGS - 1 flags at `next`. They return the position after the
 * last flag. */
char **append_node_flags(
	char **next, const struct settings *settings, const struct runtime *runtime);
char **append_python_flags(
	char **next, const struct settings *settings, const struct options *options);

#endif
