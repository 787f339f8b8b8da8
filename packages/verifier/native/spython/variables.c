/* Restricts the environment variables of a spython that the launcher did not start. Under the
 * launcher, which has the same list and the policy's names, nothing is left to stop. */
#define _GNU_SOURCE
#include "../shared/process/environment.h"
#include "spython.h"
#include <unistd.h>

enum { MAX_NAMED = 64 }; /* as the schema allows */

/* Tells by an event, and on standard error if no sink would get it. */
static void tell_stopped(size_t count, const char *names)
{
	char number[24];
	snprintf(number, sizeof number, "%zu", count);
	raise_event("verifier.environment", ALLOW, "#count", number, "detail", names, NULL);
	if (rules.json_lines == NULL && !rules.syslog && rules.standard_error == STDERR_REFUSALS)
		dprintf(STDERR_FILENO,
			"spython: environment variables stopped by mode strict (policy: launch.environment): "
			"%s\n",
			names);
}

void restrict_variables(void)
{
	const char *named[MAX_NAMED + 1] = {NULL};
	char names[1024];
	size_t count = 0;
	if (rules.mode != MODE_STRICT)
		return;
	EACH(name, rules.environment) {
		if (count < MAX_NAMED)
			named[count++] = name->text;
	}
	const struct passing passing = {.only = ONLY_LISTED, .named = named};
	const size_t stopped = name_stopped(&passing, names, sizeof names);
	if (stopped > 0)
		tell_stopped(stopped, names);
	environ = clean_environment(&passing, NULL);
	if (environ == NULL)
		fail(REFUSED, NULL, "Cannot start: there are more than 4094 environment variables");
}
