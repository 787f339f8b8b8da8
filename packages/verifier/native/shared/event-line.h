/* Events as lines of JSON, in the form of docs/events.md. A line is ASCII without control
 * characters, so that no name of a file forges a line or commands a terminal. */
#ifndef SIGTOOL_EVENT_LINE_H
#define SIGTOOL_EVENT_LINE_H
#include <stdarg.h>
#include <stddef.h>

/* AUDIT lets the code run that enforcement would have refused. */
enum verdict { ALLOW, AUDIT, REFUSE };

struct event_line {
	/* Bytes before the NUL. */
	size_t length;
	char text[1 << 14];
};

/* Composes the line, without its end. `values` are pairs of a name and a text, then NULL. A pair
 * whose text is NULL or empty is left out; the text of a name `#NAME` is written as a number.
 * A text is cut when it takes more than 5 KiB. The caller keeps the number of pairs and their names
 * so small that 1 KiB holds them beside the texts. */
void compose_event(
	struct event_line *line, const char *event, enum verdict verdict, va_list values);

/* Opens a file to append to, and creates it for its owner alone. Follows no link at the path's
 * end, and waits for nobody, even where the path is a FIFO. Returns a descriptor above 2; -1 with
 * errno. */
int open_event_file(const char *path);

/* Appends the line and a line break by one write(). Returns 1; or 0 when that wrote less. */
int append_event(int file, struct event_line *line);

/* Composes a line and appends it. Returns as append_event() does. */
int write_event(int file, const char *event, enum verdict verdict, ...) __attribute__((sentinel));

#endif
