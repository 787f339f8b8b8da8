/* Events as docs/events.md has them: one line of JSON each, in ASCII, so that no name forges a line or moves a cursor. To
 * a file, syslog and standard error, by single writes that wait for nobody; what a sink does not take is counted. */
#define _GNU_SOURCE
#include "spython.h"
#include "../complain.h"
#include "../utf8.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#else
#define DTRACE_PROBE2(provider, probe, event, detail)
#endif
/* Not 0 while somebody traces sigtool:audit. */
unsigned short sigtool_audit_semaphore __attribute__((section(".probes")));

enum { ROOM_FOR_REST = 1 << 10, CRITICAL = 10 << 3 | 2, NOTICE = 10 << 3 | 5 /* of authpriv */ };
struct line {
	size_t length;
	char text[1 << 14];
};
static int file = -1, log_socket = -1;
static struct stat file_stat;
static atomic_uint dropped;

static void put(struct line *line, const char *format, ...) {
	va_list values;
	va_start(values, format);
	line->length += (size_t)vsnprintf(line->text + line->length, sizeof line->text - line->length, format, values);
	va_end(values);
}

/* What is no UTF-8 is as Python has it in names: U+DC80 to U+DCFF. */
static void put_string(struct line *line, const char *text) {
	put(line, "\"");
	for (const uint8_t *u = (const uint8_t *)text; *u != 0 && line->length < sizeof line->text - ROOM_FOR_REST;) {
		const size_t length = utf8_length(u, SIZE_MAX); /* a NUL ends it */
		unsigned c = length == 0 ? 0xdc00u + *u : length == 1 ? *u : *u & (0x7fu >> length);
		for (size_t i = 1; i < length; i++) c = c << 6 | (u[i] & 0x3f);
		u += length == 0 ? 1 : length;
		if (c == '"' || c == '\\') put(line, "\\%c", c);
		else if (c >= ' ' && c < 127) line->text[line->length++] = (char)c;
		else if (c > 0xffff) put(line, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
		else put(line, "\\u%04x", c);
	}
	put(line, "\"");
}

/* Opened again when a program closed it, or removed it, and maybe opened another file that got its number. */
static int file_descriptor(void) {
	struct stat s;
	const int is_open = file >= 0 && fstat(file, &s) == 0 && (fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND);
	if (is_open && s.st_dev == file_stat.st_dev && s.st_ino == file_stat.st_ino && s.st_nlink > 0) return file;
	file = open(rules.json_lines, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	return file >= 0 && fstat(file, &file_stat) == 0 ? file : -1;
}

static int log_line(const char *text, enum verdict verdict) {
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	char date[32], message[sizeof(struct line) + 64];
	struct tm local;
	strftime(date, sizeof date, "%b %e %H:%M:%S", localtime_r(&(time_t){time(NULL)}, &local));
	const int length = snprintf(message, sizeof message, "<%d>%s spython[%d]: %s", verdict == REFUSE ? CRITICAL : NOTICE, date, getpid(), text);
	return sendto(log_socket, message, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof address) == length;
}

void raise_event(const char *event, enum verdict verdict, ...) {
	static const char *const VERDICTS[] = {"allow", "audit", "refuse"};
	struct line line;
	struct timespec now;
	struct tm utc;
	va_list values;
	if (verdict == ALLOW && rules.json_lines == NULL && log_socket < 0 && rules.standard_error != 2 && sigtool_audit_semaphore == 0) return;
	const unsigned lost = atomic_exchange(&dropped, 0);
	if (lost > 0) { /* which counts itself where it is not told either */
		snprintf(line.text, sizeof line.text, "%u", lost);
		raise_event("verifier.dropped", ALLOW, "#count", line.text, NULL);
	}
	const int process = getpid(), thread = gettid();
	clock_gettime(CLOCK_REALTIME, &now);
	line.length = strftime(line.text, sizeof line.text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
	put(&line, ".%03ldZ\",\"event\":\"%s\",\"verdict\":\"%s\"", now.tv_nsec / 1000000, event, VERDICTS[verdict]);
	put(&line, ",\"pid\":%d,\"thread\":%d", process, thread == process ? 0 : thread);
	va_start(values, verdict);
	for (const char *name; (name = va_arg(values, const char *)) != NULL;) {
		const char *value = va_arg(values, const char *);
		if (value == NULL || *value == 0) continue;
		put(&line, ",\"%s\":", name + (*name == '#'));
		if (*name == '#') put(&line, "%s", value);
		else put_string(&line, value);
	}
	va_end(values);
	put(&line, "}");
	DTRACE_PROBE2(sigtool, audit, event, line.text);
	int is_lost = log_socket >= 0 && !log_line(line.text, verdict);
	put(&line, "\n");
	if (rules.json_lines != NULL) is_lost |= write(file_descriptor(), line.text, line.length) != (ssize_t)line.length;
	if (rules.standard_error == 2 || (rules.standard_error == 0 && verdict != ALLOW)) dprintf(2, "sigtool: %s", line.text);
	atomic_fetch_add(&dropped, (unsigned)is_lost);
}

void open_sinks(void) {
	const char *path = rules.json_lines;
	if (rules.syslog) log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (path == NULL || file_descriptor() >= 0) return;
	rules.json_lines = NULL;
	if (rules.host_mode != MODE_AUDIT) fail(REFUSED, "ERR_AUDIT_SINK", "Cannot write audit events to \"%s\": %m", path);
}

_Noreturn void fail(int status, const char *code, const char *format, ...) {
	const int error = errno;
	char who[64];
	va_list values;
	va_start(values, format);
	snprintf(who, sizeof who, code == NULL ? "spython" : "spython: %s", code);
	if (code != NULL) raise_event("verifier.start", REFUSE, "reason", code, NULL);
	errno = error; /* for %m */
	complain(status, who, format, values);
}
