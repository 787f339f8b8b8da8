/* Guarantees that a failed start ends with one line on standard error and an exit status, and that
 * a start that was refused, or that could not be judged, is written to the event file, if one is
 * configured, before the process ends. */
#include "launch.h"
#include "../shared/complain.h"
#include "../shared/event-line.h"
#include <errno.h>
#include <stdarg.h>

/* This pointer is global, because fail() is called from everywhere. It is NULL until
 * report_refusals_of() sets it. */
static const struct settings *reported;

void report_refusals_of(const struct settings *settings)
{
	reported = settings;
}

static void write_refusal(void)
{
	if (reported == NULL || reported->audit == NULL)
		return;
	const int file = open_event_file(reported->audit, true, true);
	write_event(file, "verifier.start", REFUSE, "reason", "ERR_LAUNCHER", NULL);
}

int status_of_argument(int error)
{
	const bool is_absent = error == ENOENT || error == ENOTDIR;
	return is_absent || status_of(error) == REFUSED ? USAGE : UNDECIDED;
}

_Noreturn void fail(int status, const char *format, ...)
{
	const int error = errno;
	if (status != USAGE)
		write_refusal();
	errno = error; /* %m in the format shows errno */

	va_list values;
	va_start(values, format);
	complain(status, "sigtool-launch", format, values);
}
