/* Finds probes by name and runs them. */
#define _GNU_SOURCE
#include "probe.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct probe *const THEMES[] = {
	EXECUTION,
	FILES,
	IOCTLS,
	MEMORY,
	MODES,
	NETWORK,
	PROCESSES,
	REACH,
	SYSTEM,
};

static const struct probe *find_probe(const char *name)
{
	for (size_t i = 0; i < sizeof THEMES / sizeof *THEMES; i++) {
		for (const struct probe *probe = THEMES[i]; probe->name != NULL; probe++) {
			if (strcmp(probe->name, name) == 0)
				return probe;
		}
	}
	return NULL;
}

__attribute__((visibility("default"))) int run_probe(const char *name)
{
	enum { LIMIT_SECONDS = 20 };
	const struct probe *probe = find_probe(name);
	if (probe == NULL)
		return NO_PROBE;
	const pid_t child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		alarm(LIMIT_SECONDS);
		const int result = probe->attempt(probe->argument);
		_exit(result);
	}
	int status;
	const pid_t ended = waitpid(child, &status, 0);
	if (ended < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
}
