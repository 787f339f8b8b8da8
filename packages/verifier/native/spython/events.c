/* Events go to a file and syslog by single writes that wait for nobody, and what these do not take
 * is counted; and to standard error, as what the program says itself. */
#define _GNU_SOURCE
#include "spython.h"
#include "../complain.h"
#include "../syslog.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#else
#define DTRACE_PROBE2(provider, probe, event, detail)
#endif
/* Not 0 while somebody traces sigtool:audit. */
unsigned short sigtool_audit_semaphore __attribute__((section(".probes")));

static int file = -1;
static struct stat file_stat;
static atomic_uint dropped;

/* Opened again when a program closed it, or removed it, and maybe opened another file that got its
 * number. */
static int file_descriptor(void)
{
	struct stat s;
	const int is_open = file >= 0 && fstat(file, &s) == 0 &&
						(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND);
	if (is_open && s.st_dev == file_stat.st_dev && s.st_ino == file_stat.st_ino && s.st_nlink > 0)
		return file;
	file = open_event_file(rules.json_lines);
	return file >= 0 && fstat(file, &file_stat) == 0 ? file : -1;
}

void raise_event(const char *event, enum verdict verdict, ...)
{
	struct event_line line;
	va_list values;
	if (verdict == ALLOW && rules.json_lines == NULL && !rules.syslog &&
		rules.standard_error != 2 && sigtool_audit_semaphore == 0)
		return;
	const unsigned lost = atomic_exchange(&dropped, 0);
	if (lost > 0) { /* which counts itself where it is not told either */
		snprintf(line.text, sizeof line.text, "%u", lost);
		raise_event("verifier.dropped", ALLOW, "#count", line.text, NULL);
	}
	va_start(values, verdict);
	compose_event(&line, event, verdict, values);
	va_end(values);
	DTRACE_PROBE2(sigtool, audit, event, line.text);
	int is_lost = rules.syslog && !log_to_system("spython", line.text, verdict == REFUSE);
	if (rules.json_lines != NULL)
		is_lost |= !append_event(file_descriptor(), &line);
	if (rules.standard_error == 2 || (rules.standard_error == 0 && verdict != ALLOW))
		dprintf(2, "sigtool: %s\n", line.text);
	atomic_fetch_add(&dropped, (unsigned)is_lost);
}

void open_sinks(void)
{
	const char *path = rules.json_lines;
	if (path == NULL || file_descriptor() >= 0)
		return;
	rules.json_lines = NULL;
	fail(REFUSED, "ERR_AUDIT_SINK", "Cannot write audit events to \"%s\": %m", path);
}

_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	const int error = errno;
	char who[64];
	va_list values;
	va_start(values, format);
	snprintf(who, sizeof who, code == NULL ? "spython" : "spython: %s", code);
	if (code != NULL)
		raise_event("verifier.start", REFUSE, "reason", code, NULL);
	errno = error; /* for %m */
	complain(status, who, format, values);
}
