/* Guarantees that a failed start ends with one line on standard error and an exit status, and that
 * a start that was refused, or that could not be judged, is written to the event file, if one is
 * configured, before the process ends. */
#include "refusal.h"
#include "events.h"
#include "settings.h"
#include "../shared/process/complain.h"
#include "../shared/events/event-line.h"
#include "../shared/process/exit-status.h"
#include "../shared/settings/mode.h"
#include "../shared/events/start-facts.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* This pointer is global, because fail() is called from everywhere. It is NULL until
 * report_refusals_of() sets it. */
static const struct settings *reported;

void report_refusals_of(const struct settings *settings)
{
	reported = settings;
}

static void write_refusal(const char *detail)
{
	struct start_facts facts;
	if (reported == NULL || reported->audit == NULL)
		return;
	find_start_facts(&facts);
	write_to_audit(reported->audit, "verifier.start", REFUSE, "reason", "ERR_LAUNCHER", "detail",
		detail, "unit", facts.unit, "#uid", facts.uid, "host", facts.host, NULL);
}

int status_of_argument(int error)
{
	return is_answer(error) ? USAGE : UNDECIDED;
}

_Noreturn void fail(int status, const char *format, ...)
{
	const int error = errno;
	va_list values;
	if (status != USAGE) {
		char detail[PATH_MAX];
		va_start(values, format);
		vsnprintf(detail, sizeof detail, format, values);
		va_end(values);
		write_refusal(detail);
	}
	errno = error; /* %m in the format shows errno */

	va_start(values, format);
	complain(status, "sigtool-launch", format, values);
}

void require_answer(const char *subject)
{
	if (!is_answer(errno))
		fail(UNDECIDED, "Cannot look at \"%s\": %m", subject);
}

void cannot_tell(const struct settings *settings, const char *format, ...)
{
	char text[2 * PATH_MAX];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	if (settings->mode == MODE_STRICT)
		fail(REFUSED, "Cannot enforce strictly: cannot tell %s", text);
	dprintf(STDERR_FILENO,
		"sigtool-launch: cannot tell %s; docs/reference/launcher.md, \"--write\"\n", text);
}
