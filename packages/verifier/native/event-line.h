/* Events as docs/events.md has them: one line of JSON each, in ASCII, so that no name forges a line
 * or moves a cursor. */
#ifndef SIGTOOL_EVENT_LINE_H
#define SIGTOOL_EVENT_LINE_H
#include <stdarg.h>
#include <stddef.h>

/* AUDIT: it goes on, and under enforcement would have been refused. */
enum verdict { ALLOW, AUDIT, REFUSE };

struct event_line {
	size_t length;
	char text[1 << 14];
};

/* `values`: names and their texts up to a NULL. No text, or none in it, is left out; `#name` has a
 * number. */
void compose_event(
	struct event_line *line, const char *event, enum verdict verdict, va_list values);

/* A file for whole lines, made where it is not there, which nobody waits for; -1 with errno. */
int open_event_file(const char *path);

/* Appends the line and its end by one write; 0 where that fails. */
int append_event(int file, struct event_line *line);

/* Both at once. */
int write_event(int file, const char *event, enum verdict verdict, ...) __attribute__((sentinel));

#endif
