/* Tells which environment variables mode strict stops, so that nobody searches for a setting that
 * an application does not get. */
#include "stopped-variables.h"
#include "events.h"
#include "../shared/process/environment.h"
#include "../shared/events/event-line.h"
#include <stdio.h>
#include <unistd.h>

void tell_stopped(const struct passing *passing, const char *audit)
{
	char names[1024];
	char count[24];
	const size_t stopped = name_stopped(passing, names, sizeof names);
	if (stopped == 0)
		return;
	if (audit == NULL) {
		dprintf(STDERR_FILENO,
			"sigtool-launch: environment variables stopped by mode strict (policy: "
			"launch.environment): %s\n",
			names);
		return;
	}
	snprintf(count, sizeof count, "%zu", stopped);
	write_to_audit(audit, "verifier.environment", ALLOW, "#count", count, "detail", names, NULL);
}
