/* Events of spython, and the line with which a start ends that is refused.
 *
 * An event is written before the decision that it records takes effect. The file and syslog get
 * each event by a single write that does not wait, so that no reader can hold the program up;
 * events that these do not take are counted, and a verifier.dropped event reports the count.
 * Standard error may wait, as it does for whatever the program prints. */
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

/* A tracer of sigtool:audit raises this above 0. The name is the one that sys/sdt.h looks for. */
unsigned short sigtool_audit_semaphore __attribute__((section(".probes")));

static int event_file = -1; /* the descriptor of rules.json_lines */
static struct stat event_file_stat; /* its state when it was opened */
static atomic_uint dropped; /* events that a sink did not take and that were not reported yet */

/* Returns true if `event_file` still is the file that was opened, and that has a name. A program
 * may have closed the descriptor, and its number may now be that of another file. */
static bool is_file_open(void)
{
	struct stat now;
	if (event_file < 0 || fstat(event_file, &now) != 0)
		return false;
	const int flags = fcntl(event_file, F_GETFL) & (O_ACCMODE | O_APPEND);
	return flags == (O_WRONLY | O_APPEND) && now.st_dev == event_file_stat.st_dev &&
		now.st_ino == event_file_stat.st_ino && now.st_nlink > 0;
}

/* Returns a descriptor for rules.json_lines, opened again if need be; -1 with errno. */
static int file_descriptor(void)
{
	if (is_file_open())
		return event_file;
	event_file = open_event_file(rules.json_lines);
	if (event_file < 0 || fstat(event_file, &event_file_stat) != 0)
		return -1;
	return event_file;
}

/* Raises an event for the events that were dropped since the last one. If a sink does not take it
 * either, it counts as dropped itself. */
static void report_dropped(void)
{
	const unsigned count = atomic_exchange(&dropped, 0);
	char text[16];
	if (count == 0)
		return;
	snprintf(text, sizeof text, "%u", count);
	raise_event("verifier.dropped", ALLOW, "#count", text, NULL);
}

/* Returns true if nobody would see an event that allows something. */
static bool is_unseen(void)
{
	return rules.json_lines == NULL && !rules.syslog && rules.standard_error != STDERR_ALL &&
		sigtool_audit_semaphore == 0;
}

void raise_event(const char *event, enum verdict verdict, ...)
{
	struct event_line line;
	va_list values;
	if (verdict == ALLOW && is_unseen())
		return;
	report_dropped();
	va_start(values, verdict);
	compose_event(&line, event, verdict, values);
	va_end(values);
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
	if (!is_taken)
		atomic_fetch_add(&dropped, 1);
}

void open_sinks(void)
{
	const char *path = rules.json_lines;
	if (path == NULL || file_descriptor() >= 0)
		return;
	rules.json_lines = NULL; /* fail() must not try to write there */
	fail(REFUSED, "ERR_AUDIT_SINK", "Cannot write audit events to \"%s\": %m", path);
}

_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	const int error = errno;
	char program[64] = "spython";
	va_list values;
	if (code != NULL) {
		snprintf(program, sizeof program, "spython: %s", code);
		raise_event("verifier.start", REFUSE, "reason", code, NULL);
	}
	errno = error; /* %m shows it */
	va_start(values, format);
	complain(status, program, format, values);
}
