/* Events as docs/events.md has them: one line of JSON each, in ASCII, so that no name forges a line or moves a cursor. To
 * a file, syslog and standard error, by single writes that wait for nobody; what a sink does not take is counted. */
#define _GNU_SOURCE
#include "spython.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#else
#define DTRACE_PROBE2(provider, probe, event, detail) ((void)(detail))
#endif

struct line {
	size_t length;
	char text[1 << 14];
};
enum { ROOM_FOR_REST = 1 << 10 };

static struct {
	int descriptor;
	dev_t device;
	ino_t inode;
} file = {.descriptor = -1};
static int log_socket = -1;
static atomic_uint dropped;

static void put(struct line *line, const char *format, ...) {
	va_list values;
	va_start(values, format);
	line->length += (size_t)vsnprintf(line->text + line->length, sizeof line->text - line->length, format, values);
	va_end(values);
}

/* What is no UTF-8 as Python has it in names: U+DC80 to U+DCFF. */
static void put_string(struct line *line, const char *text) {
	put(line, "\"");
	while (*text != 0 && line->length < sizeof line->text - ROOM_FOR_REST) {
		uint8_t first = (uint8_t)*text;
		size_t length = utf8_length(text);
		if (length == 1 && first >= ' ' && first != 127) {
			put(line, first == '"' || first == '\\' ? "\\%c" : "%c", first);
			text++;
			continue;
		}
		unsigned c = length == 0 ? 0xdc00u + first : length == 1 ? first : first & (0xffu >> (length + 1));
		for (size_t i = 1; i < length; i++) c = c << 6 | ((uint8_t)text[i] & 0x3f);
		if (c > 0xffff) put(line, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
		put(line, "\\u%04x", c > 0xffff ? 0xdc00 + (c & 0x3ff) : c);
		text += length == 0 ? 1 : length;
	}
	put(line, "\"");
}

static void begin(struct line *line, const char *event, enum verdict verdict) {
	static const char *const VERDICTS[] = {"allow", "audit", "refuse"};
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	int thread = gettid();
	line->length = strftime(line->text, sizeof line->text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
	put(line, ".%03ldZ\",\"event\":\"%s\",\"verdict\":\"%s\",\"pid\":%d,\"thread\":%d", now.tv_nsec / 1000000, event, VERDICTS[verdict],
		getpid(), thread == getpid() ? 0 : thread);
}

/* Opened again when a program closed it, and maybe opened another file that got its number. */
static int file_descriptor(void) {
	struct stat s;
	if (file.descriptor >= 0 && fstat(file.descriptor, &s) == 0 && s.st_dev == file.device && s.st_ino == file.inode) return file.descriptor;
	file.descriptor = open(host.json_lines, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (file.descriptor >= 0 && fstat(file.descriptor, &s) == 0) file.device = s.st_dev, file.inode = s.st_ino;
	return file.descriptor;
}

static int send_to_syslog(const char *text, int critical) {
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	char date[32], message[sizeof(struct line)];
	time_t now = time(NULL);
	struct tm local;
	strftime(date, sizeof date, "%b %e %H:%M:%S", localtime_r(&now, &local));
	/* authpriv.crit or .notice */
	int length = snprintf(message, sizeof message, "<%d>%s spython[%d]: %s", critical ? 82 : 85, date, getpid(), text);
	return sendto(log_socket, message, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof address) == length;
}

static void write_line(struct line *line, enum verdict verdict) {
	const size_t length = line->length;
	int lost = log_socket >= 0 && !send_to_syslog(line->text, verdict == REFUSE);
	line->text[line->length++] = '\n';
	if (host.json_lines != NULL) lost |= write(file_descriptor(), line->text, length + 1) != (ssize_t)length + 1;
	if (host.standard_error > (verdict == ALLOW)) dprintf(2, "sigtool: %.*s\n", (int)length, line->text);
	if (lost) atomic_fetch_add(&dropped, 1);
}

void raise_event(const char *event, enum verdict verdict, ...) {
	struct line line;
	va_list values;
	begin(&line, event, verdict);
	va_start(values, verdict);
	for (const char *name; (name = va_arg(values, const char *)) != NULL;) {
		const char *value = va_arg(values, const char *);
		if (value == NULL) continue;
		if (*name == '#') put(&line, ",\"%s\":%s", name + 1, value);
		else put(&line, ",\"%s\":", name), put_string(&line, value);
	}
	va_end(values);
	put(&line, "}");
	DTRACE_PROBE2(sigtool, audit, event, line.text);
	unsigned missed = atomic_exchange(&dropped, 0), more;
	write_line(&line, verdict);
	if (missed == 0) return;
	more = atomic_exchange(&dropped, 0);
	begin(&line, "verifier.dropped", ALLOW);
	put(&line, ",\"count\":%u}", missed + more);
	write_line(&line, ALLOW);
	if (atomic_load(&dropped) > 0) atomic_store(&dropped, missed + more); /* not told yet */
}

void open_sinks(void) {
	if (host.syslog) log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (host.json_lines != NULL && file_descriptor() < 0) {
		const char *path = host.json_lines;
		host.json_lines = NULL;
		if (host.mode != MODE_AUDIT) fail(REFUSED, "ERR_AUDIT_SINK", "Cannot write audit events to \"%s\": %m", path);
	}
}

_Noreturn void fail(int status, const char *code, const char *format, ...) {
	char text[2 * PATH_MAX];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	for (char *c = text; *c != 0; c++)
		if ((uint8_t)*c < ' ' || *c == 127) *c = '?';
	if (code != NULL) raise_event("verifier.start", REFUSE, "reason", code, NULL);
	dprintf(2, "spython: %s%s%s\n", code == NULL ? "" : code, code == NULL ? "" : ": ", text);
	_exit(status);
}
