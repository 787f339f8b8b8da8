/* Writes the events of spython, and the message of a start that is refused.
 *
 * Guarantees that an event is written before the decision that it records takes effect. The file
 * and syslog get each event by one write that never waits, so that no reader can stop the program.
 * Events that the file or syslog did not accept are counted, and a verifier.dropped event reports
 * the count. Writing to standard error may wait, like any output of the program. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/complain.h"
#include "../shared/syslog.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#else
#define DTRACE_PROBE2(provider, probe, event, detail)
#endif

/* A tracer of the probe sigtool:audit makes this greater than 0. sys/sdt.h demands the name. */
unsigned short sigtool_audit_semaphore __attribute__((section(".probes")));

static int event_file = -1; /* the descriptor of rules.json_lines */
static struct stat event_file_stat; /* the answer of fstat(2) when it was opened */
static atomic_uint dropped; /* the number of lost events that were not reported yet */

/* Returns true if `event_file` is still the file that was opened, and the file still has a name. A
 * program may have closed the descriptor and opened another file with the same number. */
static bool is_file_open(void)
{
	struct stat now;
	if (event_file < 0 || fstat(event_file, &now) != 0)
		return false;
	const int flags = fcntl(event_file, F_GETFL) & (O_ACCMODE | O_APPEND);
	return flags == (O_WRONLY | O_APPEND) && now.st_dev == event_file_stat.st_dev &&
		now.st_ino == event_file_stat.st_ino && now.st_nlink > 0;
}

/* Returns a descriptor of rules.json_lines, and opens the file again if needed. Returns -1 with
 * errno if that fails. */
static int file_descriptor(void)
{
	if (is_file_open())
		return event_file;
	event_file = open_event_file(rules.json_lines);
	if (event_file < 0 || fstat(event_file, &event_file_stat) != 0)
		return -1;
	return event_file;
}

/* Writes an event to every sink. Returns false if the file or syslog did not accept it. */
static bool write_to_sinks(const char *event, enum verdict verdict, va_list values)
{
	struct event_line line;
	compose_event(&line, event, verdict, values);
	DTRACE_PROBE2(sigtool, audit, event, line.text);
	bool is_taken = true;
	if (rules.syslog)
		is_taken = log_to_system("spython", line.text, verdict == REFUSE);
	if (rules.json_lines != NULL) {
		const bool is_appended = append_event(file_descriptor(), &line);
		is_taken = is_taken && is_appended;
	}
	if (rules.standard_error == STDERR_ALL ||
		(rules.standard_error == STDERR_REFUSALS && verdict != ALLOW))
		dprintf(STDERR_FILENO, "sigtool: %s\n", line.text);
	return is_taken;
}

/* Does what write_to_sinks() does, with the values that raise_event() takes. */
__attribute__((sentinel)) static bool try_event(const char *event, enum verdict verdict, ...)
{
	va_list values;
	va_start(values, verdict);
	const bool result = write_to_sinks(event, verdict, values);
	va_end(values);
	return result;
}

/* Writes an event with the number of events that were dropped since the last report. If file or
 * syslog does not accept the report, the next report counts these events again, also for the sink
 * that accepted it: too high a number is better than a lost one. */
static void report_dropped(void)
{
	const unsigned count = atomic_exchange(&dropped, 0);
	char text[16];
	if (count == 0)
		return;
	snprintf(text, sizeof text, "%u", count);
	if (!try_event("verifier.dropped", ALLOW, "#count", text, NULL))
		atomic_fetch_add(&dropped, count);
}

/* Returns true if no sink and no tracer would get an event of verdict ALLOW. */
static bool is_unseen(void)
{
	return rules.json_lines == NULL && !rules.syslog && rules.standard_error != STDERR_ALL &&
		sigtool_audit_semaphore == 0;
}

void raise_event(const char *event, enum verdict verdict, ...)
{
	va_list values;
	if (verdict == ALLOW && is_unseen())
		return;
	report_dropped();
	va_start(values, verdict);
	if (!write_to_sinks(event, verdict, values))
		atomic_fetch_add(&dropped, 1);
	va_end(values);
}

void open_sinks(void)
{
	const char *path = rules.json_lines;
	if (path == NULL || file_descriptor() >= 0)
		return;
	rules.json_lines = NULL; /* fail() must not open the file again */
	fail(status_of(errno), "ERR_AUDIT_SINK", "Cannot write audit events to \"%s\": %m", path);
}

_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	const int error = errno;
	char program[64] = "spython";
	char why[2 * PATH_MAX];
	va_list values;
	if (code != NULL) {
		snprintf(program, sizeof program, "spython: %s", code);
		errno = error; /* %m shows errno */
		va_start(values, format);
		vsnprintf(why, sizeof why, format, values);
		va_end(values);
		raise_event("verifier.start", REFUSE, "reason", code, "why", why, NULL);
	}
	errno = error; /* %m shows errno */
	va_start(values, format);
	complain(status, program, format, values);
}
