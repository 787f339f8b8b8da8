/* A probe attempts one thing that the launcher refuses, or one that it must leave possible. The
 * suite runs each probe with and without the launcher. Each runs in a process of its own, so it
 * need not undo anything inside of the process. */
#ifndef SIGTOOL_PROBE_H
#define SIGTOOL_PROBE_H
#include <errno.h>
#include <stdlib.h>

struct probe {
	const char *name;
	/* Returns 0 if the attempt succeeded and had its effect, else an errno. */
	int (*attempt)(long argument);
	long argument;
};

/* The probes of each theme. Each list ends with a name that is NULL. */
extern const struct probe EXECUTION[];
extern const struct probe FILES[];
extern const struct probe IOCTLS[];
extern const struct probe MEMORY[];
extern const struct probe MODES[];
extern const struct probe NETWORK[];
extern const struct probe PROCESSES[];
extern const struct probe REACH[];
extern const struct probe SYSTEM[];

enum {
	/* The call succeeded, but had no effect. */
	NO_EFFECT = ECANCELED,
	/* No errno has these numbers. NO_PROBE says that no probe has this name. KILLED says that a
	 * signal ended the probe. */
	NO_PROBE = 254,
	KILLED = 255,
};

/* Turns the result of a system call into the result of a probe. */
static inline int outcome(long result)
{
	return result < 0 ? errno : 0;
}

/* Returns a setting of the suite, which is an environment variable. Ends the probe if it is
 * missing. */
static inline const char *setting(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		_Exit(NO_PROBE);
	return value;
}

/* Runs the probe of that name in a child process. Returns its result, NO_PROBE or KILLED. */
int run_probe(const char *name);

#endif
