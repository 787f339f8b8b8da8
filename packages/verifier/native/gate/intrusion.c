/* Records that a program went round the hook, and ends it. */
#define _GNU_SOURCE
#include "../shared/events/event-channel.h"
#include "../shared/events/syslog.h"
#include "../trust/event-file.h"
#include "../libraries/apart.h"
#include "gate.h"
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void write_size(char text[24], size_t size)
{
	text[0] = '\0';
	if (size > 0)
		snprintf(text, 24, "%zu", size);
}

void tell(
	const char *event, enum verdict verdict, const struct finding *finding, const char *reason)
{
	char hex[SHA256_HEX + 1] = "";
	char size[24];
	if (finding->digest != NULL)
		to_hex(finding->digest, hex);
	write_size(size, finding->size);
	raise_event(event, verdict, "kind", finding->kind, "path", finding->path, "sha256", hex,
		"#sizeBytes", size, "reason", reason, "detail", finding->detail, NULL);
}

__attribute__((sentinel)) static void compose(struct event_line *line, const char *event, ...)
{
	va_list values;
	va_start(values, event);
	compose_event(line, event, REFUSE, values);
	va_end(values);
}

struct written {
	const struct event_line *line;
	bool is_appended;
};

/* Opens the events file by its path again, and appends the line. Runs in a thread with descriptors
 * of its own (apart.h), so the program cannot exchange the one that is opened. */
static void append_line(void *argument)
{
	struct written *written = argument;
	const int file = open_event_file(rules.json_lines, true, true);
	if (file < 0)
		return;
	written->is_appended = append_event(file, written->line);
	close(file);
}

/* Sends the line to the collector, or else appends it to the events file. The program may own that
 * file, and may have taken its own right to write it away. Then the line goes to the descriptor
 * that was opened before the program began. */
static void write_to_file(const struct event_line *line)
{
	struct apart apart;
	const char *trouble;
	struct written written = {line, false};
	if (rules.collects) {
		send_lines(line->text, line->length, true);
		return;
	}
	run_apart(&apart, append_line, &written);
	if (!written.is_appended)
		append_event(event_file(rules.json_lines, false, &trouble), line);
}

/* Writes the beginning of the line to standard error, unless the write would wait. The program may
 * have filled the pipe there, and the process must end all the same. */
static void write_to_stderr(const struct event_line *line)
{
	char text[PIPE_BUF];
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	const int most = PIPE_BUF - (int)sizeof "sigtool: \n";
	snprintf(text, sizeof text, "sigtool: %.*s\n", most, line->text);
	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0)
		(void)!write(STDERR_FILENO, text, strlen(text));
}

_Noreturn void end_intrusion(const struct finding *finding)
{
	char hex[SHA256_HEX + 1] = "";
	char size[24];
	struct event_line line;
	if (finding->digest != NULL)
		to_hex(finding->digest, hex);
	write_size(size, finding->size);
	compose(&line, "gate.intrusion", "kind", finding->kind, "path", finding->path, "sha256", hex,
		"#sizeBytes", size, "reason", "ERR_UNTRUSTED_CODE", "detail", finding->detail, NULL);
	finish_events();
	if (rules.json_lines != NULL)
		write_to_file(&line);
	if (rules.syslog)
		log_to_system(program.name, line.text, true);
	write_to_stderr(&line);
	_exit(REFUSED);
}
