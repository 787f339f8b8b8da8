/* Records that a program went round the hook, and ends it. */
#define _GNU_SOURCE
#include "../shared/syslog.h"
#include "apart.h"
#include "gate.h"
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

/* Appends the line to the file that has the path of the events file now. */
static void append_line(void *argument)
{
	const int file = open_event_file(rules.json_lines, true, true);
	if (file < 0)
		return;
	append_event(file, argument);
	close(file);
}

_Noreturn void end_intrusion(const struct finding *finding)
{
	char hex[SHA256_HEX + 1] = "";
	char size[24];
	struct event_line line;
	struct apart apart;
	if (finding->digest != NULL)
		to_hex(finding->digest, hex);
	write_size(size, finding->size);
	compose(&line, "gate.intrusion", "kind", finding->kind, "path", finding->path, "sha256", hex,
		"#sizeBytes", size, "reason", "ERR_UNTRUSTED_CODE", "detail", finding->detail, NULL);
	finish_events();
	if (rules.json_lines != NULL && !run_apart(&apart, append_line, &line))
		append_line(&line);
	if (rules.syslog)
		log_to_system(program.name, line.text, true);
	if (rules.standard_error != STDERR_OFF)
		dprintf(STDERR_FILENO, "sigtool: %s\n", line.text);
	_exit(REFUSED);
}
