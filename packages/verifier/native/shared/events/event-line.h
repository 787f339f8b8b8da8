/* Writes events as lines of JSON, in the form of docs/reference/events.md. A line is ASCII without
 * control characters, so that no path can forge a line or control a terminal. */
#ifndef SIGTOOL_EVENT_LINE_H
#define SIGTOOL_EVENT_LINE_H
#include "verdicts.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct event_line {
	/* The number of bytes before the NUL. */
	size_t length;
	char text[1 << 14];
};

/* Begins a line with the time in UTC, in milliseconds. Behind the time comes the quote that ends
 * it, and no other quote. */
void begin_event(struct event_line *line);

/* Composes the line without a line break. `values` are pairs of a name and a text, followed by
 * NULL. A pair is left out if its text is NULL or empty. If a name begins with `#`, the line has
 * the rest of the name, and the text as a number. A text that takes more than 5 KiB is cut. All
 * other parts of the line must fit in 1 KiB, so the caller must pass few pairs with short names. */
void compose_event(
	struct event_line *line, const char *event, enum verdict verdict, va_list values);

/* Opens a file for appending, and creates it with mode 0600 if it is missing and `creates` is true.
 * A file that root creates belongs to the owner of its directory.
 * Refuses a symbolic link at the end of the path, and does not wait for the reader of a FIFO.
 *
 * While logrotate works, the file is missing for a moment, and then belongs to root. If `waits` is
 * true, this function waits for up to 100 ms until the file can be opened.
 *
 * Returns a descriptor above 2, or -1 with errno. errno is ENOENT, which may pass, if this user may
 * not create the missing file. */
int open_event_file(const char *path, bool creates, bool waits);

/* Writes why open_event_file() has failed, by errno, and what to change if this user may not
 * append. */
void explain_event_file(const char *path, char *text, size_t room);

/* Appends the line and a line break by one system call. Returns false if not all was written. */
bool append_event(int file, const struct event_line *line);

#endif
