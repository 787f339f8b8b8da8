/* Writes the launcher's own events, and starts the collector, which writes them and those of the
 * program. Without a collector the launcher appends to the file itself, and the program does so,
 * too. */
#define _GNU_SOURCE
#include "../collector/collector.h"
#include "launch.h"
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends the process because the file cannot be opened. errno has the reason. */
static _Noreturn void fail_for_file(const char *path)
{
	const int error = errno;
	struct stat status;
	const bool is_there = lstat(path, &status) == 0;
	errno = error;
	if (error == EACCES && is_there)
		fail(REFUSED,
			"Cannot write audit events to \"%s\": %m; user %u may not append to it (owner %u, "
			"group "
			"%u, mode %04o): change its owner, or its group and mode",
			path, geteuid(), status.st_uid, status.st_gid, status.st_mode & 07777);
	fail(status_of(error), "Cannot write audit events to \"%s\": %m", path);
}

void start_events(const struct settings *settings)
{
	if (!settings->collects) {
		release_descriptors();
		return;
	}
	if (!open_log(settings->audit))
		fail_for_file(settings->audit);
	if (!start_collector(settings->audit))
		fail(status_of(errno), "Cannot start the collector of events: %m");
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
