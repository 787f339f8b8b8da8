#define _GNU_SOURCE
#include "event-line.h"
#include "utf8.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A name that is too long is cut, so that what is said of it has room. */
enum { ROOM_FOR_REST = 1 << 10, MOST_OF_ONE = 5 << 10 };

__attribute__((format(printf, 2, 3))) static void put(
	struct event_line *line, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	line->length += (size_t)vsnprintf(
		line->text + line->length, sizeof line->text - line->length, format, values);
	va_end(values);
}

/* What is no UTF-8 is as Python has it in names: U+DC80 to U+DCFF. */
static void put_string(struct event_line *line, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	const size_t last = sizeof line->text - ROOM_FOR_REST,
				 end = line->length + MOST_OF_ONE < last ? line->length + MOST_OF_ONE : last;
	put(line, "\"");
	while (*at != '\0' && line->length < end) {
		size_t length = utf8_length(at, SIZE_MAX); /* A NUL ends it. */
		unsigned code = length == 0 ? 0xdc00u + *at : length == 1 ? *at : *at & (0x7fu >> length);
		for (size_t i = 1; i < length; i++)
			code = code << 6 | (at[i] & 0x3f);
		at += length == 0 ? 1 : length;
		if (code == '"' || code == '\\')
			put(line, "\\%c", code);
		else if (code >= ' ' && code < 127)
			line->text[line->length++] = (char)code;
		else if (code > 0xffff)
			put(line, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
		else
			put(line, "\\u%04x", code);
	}
	put(line, "\"");
}

void compose_event(struct event_line *line, const char *event, enum verdict verdict, va_list values)
{
	static const char *const VERDICTS[] = {"allow", "audit", "refuse"};
	const int process = getpid(), thread = gettid();
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	line->length = strftime(line->text, sizeof line->text, "{\"time\":\"%Y-%m-%dT%H:%M:%S",
		gmtime_r(&now.tv_sec, &utc));
	put(line, ".%03ldZ\",\"event\":", now.tv_nsec / 1000000);
	put_string(line, event);
	put(line, ",\"verdict\":\"%s\",\"pid\":%d,\"thread\":%d", VERDICTS[verdict], process,
		thread == process ? 0 : thread);
	for (const char *name; (name = va_arg(values, const char *)) != NULL;) {
		const char *value = va_arg(values, const char *);
		if (value == NULL || *value == '\0')
			continue;
		put(line, ",\"%s\":", name + (*name == '#'));
		if (*name == '#')
			put(line, "%s", value);
		else
			put_string(line, value);
	}
	put(line, "}");
}

int open_event_file(const char *path)
{
	int file = open(
		path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (file < 0 || file > 2)
		return file;
	/* A standard descriptor that was closed: what the program prints would be among the events. */
	int above = fcntl(file, F_DUPFD_CLOEXEC, 3);
	close(file);
	return above;
}

int append_event(int file, struct event_line *line)
{
	line->text[line->length] = '\n';
	ssize_t count = write(file, line->text, line->length + 1);
	line->text[line->length] = '\0';
	return count == (ssize_t)line->length + 1;
}

int write_event(int file, const char *event, enum verdict verdict, ...)
{
	struct event_line line;
	va_list values;
	va_start(values, verdict);
	compose_event(&line, event, verdict, values);
	va_end(values);
	return append_event(file, &line);
}
