/* Writes events as lines of JSON, in the form of docs/events.md. A line is ASCII without control
 * characters, so that no path can forge a line or control a terminal. */
#ifndef SIGTOOL_EVENT_LINE_H
#define SIGTOOL_EVENT_LINE_H
#include <stdarg.h>
#include <stddef.h>

/* AUDIT means that the code runs, although the modes enforce and strict would have refused it. */
enum verdict { ALLOW, AUDIT, REFUSE };

struct event_line {
	/* The number of bytes before the NUL. */
	size_t length;
	char text[1 << 14];
};

/* Composes the line without a line break. `values` are pairs of a name and a text, followed by
 * NULL. A pair is left out if its text is NULL or empty. If a name begins with `#`, the line has
 * the rest of the name, and the text as a number. A text that takes more than 5 KiB is cut. All
 * other parts of the line must fit in 1 KiB, so the caller must pass few pairs with short names. */
void compose_event(
	struct event_line *line, const char *event, enum verdict verdict, va_list values);

/* Opens a file for appending. If it does not exist, creates it with mode 0600. Refuses a symbolic
 * link at the end of the path, and never waits, even if the path is a FIFO. Returns a descriptor
 * above 2, or -1 with errno. */
int open_event_file(const char *path);

/* Appends the line and a line break by one write(). Returns 1 if everything was written, else 0. */
int append_event(int file, struct event_line *line);

/* Composes a line and appends it. Returns what append_event() returns. */
int write_event(int file, const char *event, enum verdict verdict, ...) __attribute__((sentinel));

#endif
