/* Writes the launcher's own events, and starts the collector, which writes them and those of the
 * program. Without a collector the launcher appends to the file itself, and the program does so,
 * too. */
#define _GNU_SOURCE
#include "events.h"
#include "descriptors.h"
#include "refusal.h"
#include "settings.h"
#include "../collector/collector.h"
#include "../shared/event-line.h"
#include "../shared/exit-status.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

void start_events(const struct settings *settings)
{
	if (!settings->collects) {
		release_descriptors();
		return;
	}
	if (!open_log(settings->audit)) {
		char reason[PATH_MAX + 256];
		explain_event_file(settings->audit, reason, sizeof reason);
		fail(status_of(errno), "ERR_AUDIT_SINK: %s", reason);
	}
	if (!start_collector(settings->audit))
		fail(status_of(errno), "ERR_AUDIT_SINK: Cannot start the collector of events: %m");
}

void write_to_audit(const char *audit, const char *event, enum verdict verdict, ...)
{
	struct event_line line;
	va_list values;
	va_start(values, verdict);
	compose_event(&line, event, verdict, values);
	va_end(values);
	if (has_channel()) {
		send_lines(line.text, line.length, true);
		return;
	}
	const int file = open_event_file(audit, true, true);
	append_event(file, &line);
	close(file);
}
