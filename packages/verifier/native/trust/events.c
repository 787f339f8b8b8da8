/* Writes the events of the process, and the message of a start that is refused.
 *
 * Guarantees that an event is written before the decision that it records takes effect. The file
 * and syslog get each event by one write that never waits, so that no reader can stop the program.
 * Under the launcher a collector writes to the file: a refusal waits until it is there.
 * Refusals that repeat another are counted. Events that the file or syslog did not accept are
 * counted, and a verifier.dropped event reports the count. Writing to standard error may wait, like
 * any output of the program. */
#define _GNU_SOURCE
#include "trust.h"
#include "../shared/process/complain.h"
#include "../shared/events/event-channel.h"
#include "../shared/events/start-facts.h"
#include "../shared/events/syslog.h"
#include "event-file.h"
#include "repeats.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#else
#define DTRACE_PROBE2(provider, probe, event, detail)
#endif

/* A tracer of the probe sigtool:audit makes this greater than 0. sys/sdt.h demands the name. */
unsigned short sigtool_audit_semaphore __attribute__((section(".probes")));

static atomic_uint dropped; /* the number of lost events that were not reported yet */

static bool write_to_sinks(const struct event_line *line, enum verdict verdict);

/* Tells every sink why events go on to a file that has lost its path, once in a minute. If there is
 * no other sink, tells standard error. */
static void report_detached(const char *trouble)
{
	if (rules.standard_error == STDERR_OFF && !rules.syslog)
		dprintf(STDERR_FILENO,
			"%s: ERR_AUDIT_SINK: Cannot write audit events to \"%s\": %s; they go on to the "
			"file that had this path\n",
			program.name, rules.json_lines, trouble);
	raise_event("verifier.detached", RECORD, "path", rules.json_lines, "detail", trouble, "reason",
		"ERR_AUDIT_SINK", NULL);
}

/* Appends an event to the file. Returns false if the file did not accept it. */
static bool append_to_file(const struct event_line *line)
{
	enum { REPORT_SECONDS = 60 };
	static time_t reported;
	struct timespec now;
	const char *trouble;
	clock_gettime(CLOCK_BOOTTIME, &now);
	const bool is_due = reported == 0 || now.tv_sec - reported >= REPORT_SECONDS;
	const int file = event_file(rules.json_lines, is_due, &trouble);
	if (trouble != NULL && is_due) {
		reported = now.tv_sec;
		report_detached(trouble);
	}
	const bool is_appended = append_event(file, line);
	/* Another thread may have closed the descriptor after event_file() looked, and opened another
	 * file with its number. */
	if (!is_appended_to(file, line->length))
		return append_event(event_file(rules.json_lines, false, &trouble), line);
	return is_appended;
}

/* Returns true for a line that nobody would report if it was lost: a refusal, or a report. */
static bool is_awaited(const struct event_line *line, enum verdict verdict)
{
	return verdict != ALLOW || strstr(line->text, "\"event\":\"verifier.dropped\"") != NULL;
}

/* A start that is refused before open_sinks() needs the way to the collector earlier. */
static bool reaches_collector(void)
{
	return has_channel() || open_channel();
}

/* Gives an event to the collector, and waits if it is a refusal until the collector has written it.
 * A full disk is counted, as without a collector. If the collector is gone, a program that is only
 * recorded writes to the file itself. Otherwise the process ends at the next refusal, because
 * nobody would record it. */
static bool send_event(const struct event_line *line, enum verdict verdict)
{
	if (reaches_collector() && send_lines(line->text, line->length, is_awaited(line, verdict)))
		return true;
	if (errno == ENOSPC || (errno == EAGAIN && verdict == ALLOW))
		return false;
	if (rules.mode < MODE_ENFORCE)
		return append_to_file(line);
	if (verdict != REFUSE)
		return false;
	dprintf(STDERR_FILENO,
		"%s: ERR_AUDIT_SINK: Cannot go on: the collector of events does not answer, so \"%s\" gets "
		"no "
		"refusal: %m\n",
		program.name, rules.json_lines == NULL ? "" : rules.json_lines);
	_exit(REFUSED);
}

/* Appends an event to the file, or gives it to the collector. */
static bool write_to_file(const struct event_line *line, enum verdict verdict)
{
	return rules.collects ? send_event(line, verdict) : append_to_file(line);
}

/* Tells whether standard error gets the event, by `audit.stderr`. It gets each refusal, and with
 * `refusals` also what enforcement would refuse, and what the verifier tells of itself. */
static bool is_for_standard_error(const struct event_line *line, enum verdict verdict)
{
	if (verdict == REFUSE || rules.standard_error == STDERR_ALL)
		return true;
	if (rules.standard_error != STDERR_REFUSALS || verdict == ALLOW)
		return false;
	/* A field contains no quote that is not escaped. */
	return verdict == AUDIT || strstr(line->text, "\"event\":\"verifier.") != NULL;
}

static bool write_line_to(const struct event_line *line, enum verdict verdict, bool is_told)
{
	bool is_taken = true;
	if (rules.syslog)
		is_taken = log_to_system(program.name, line->text, verdict == REFUSE);
	if (is_told)
		dprintf(STDERR_FILENO, "sigtool: %s\n", line->text);
	/* The file comes last, because the process may end there. */
	if (rules.json_lines != NULL) {
		const bool is_appended = write_to_file(line, verdict);
		is_taken = is_taken && is_appended;
	}
	return is_taken;
}

/* Writes an event to every sink. Returns false if the file or syslog did not accept it. */
static bool write_to_sinks(const struct event_line *line, enum verdict verdict)
{
	return write_line_to(line, verdict, is_for_standard_error(line, verdict));
}

/* Writes a refusal after which the process ends with a line of its own. With `"stderr": "off"` that
 * line is all that standard error gets. */
static bool write_last(const struct event_line *line, enum verdict verdict)
{
	return write_line_to(line, verdict, rules.standard_error != STDERR_OFF);
}

/* Writes an event to the sinks, or counts it if it repeats one that was not simply allowed. Returns
 * false if the file or syslog did not accept a line. */
static bool write_or_count(
	const char *event, enum verdict verdict, va_list values, write_line *write)
{
	struct event_line line;
	compose_event(&line, event, verdict, values);
	DTRACE_PROBE2(sigtool, audit, event, line.text);
	if (verdict == ALLOW)
		return write(&line, verdict);
	return add_refusal(&line, verdict, write);
}

/* Does what write_or_count() does, with the values that raise_event() takes. */
__attribute__((sentinel)) static bool try_event(const char *event, enum verdict verdict, ...)
{
	va_list values;
	va_start(values, verdict);
	const bool result = write_or_count(event, verdict, values, write_to_sinks);
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

static void write_event(const char *event, enum verdict verdict, va_list values, write_line *write)
{
	report_dropped();
	write_counts(false, write_to_sinks);
	if (!write_or_count(event, verdict, values, write))
		atomic_fetch_add(&dropped, 1);
}

void raise_event(const char *event, enum verdict verdict, ...)
{
	va_list values;
	/* Beside a hook, only the hook's refusals end the process. */
	const bool ends = verdict == REFUSE && rules.exit_on_refusal && !program.is_beside_hook;
	if (verdict == ALLOW && is_unseen())
		return;
	va_start(values, verdict);
	write_event(event, verdict, values, ends ? write_last : write_to_sinks);
	va_end(values);
}

void raise_refusal(bool ends, const char *event, ...)
{
	va_list values;
	va_start(values, event);
	write_event(event, REFUSE, values, ends ? write_last : write_to_sinks);
	va_end(values);
}

void finish_events(void)
{
	report_dropped();
	write_counts(true, write_to_sinks);
	/* If this process is the first of a container, the collector ends with it. */
	if (rules.collects && has_channel())
		send_lines("", 0, true);
}

void open_sinks(void)
{
	const char *path = rules.json_lines;
	const char *trouble;
	atexit(finish_events);
	if (rules.collects) {
		if (reaches_collector())
			return;
		rules.json_lines = NULL;
		fail(status_of(errno), "ERR_AUDIT_SINK",
			"Cannot write audit events to \"%s\": the collector cannot be reached: %m", path);
	}
	if (path == NULL || event_file(path, false, &trouble) >= 0)
		return;
	char reason[PATH_MAX + 256];
	explain_event_file(path, reason, sizeof reason);
	rules.json_lines = NULL; /* fail() must not open the file again */
	fail(status_of(errno), "ERR_AUDIT_SINK", "%s", reason);
}

_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	const int error = errno;
	char who[64];
	va_list values;
	snprintf(who, sizeof who, "%s", program.name);
	if (code != NULL) {
		char detail[PATH_MAX];
		struct start_facts facts;
		snprintf(who, sizeof who, "%s: %s", program.name, code);
		errno = error; /* %m shows errno */
		va_start(values, format);
		vsnprintf(detail, sizeof detail, format, values);
		va_end(values);
		find_start_facts(&facts);
		raise_refusal(true, "verifier.start", "reason", code, "detail", detail, "unit", facts.unit,
			"#uid", facts.uid, "host", facts.host, NULL);
	}
	finish_events();
	errno = error; /* %m shows errno */
	va_start(values, format);
	complain(status, who, format, values);
}
