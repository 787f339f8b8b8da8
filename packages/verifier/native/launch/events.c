/* Writes the launcher's own events. Without a collector the launcher appends to the file itself,
 * and the program does so, too. */
#define _GNU_SOURCE
#include "events.h"
#include "../shared/events/event-channel.h"
#include <stdarg.h>
#include <unistd.h>

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
