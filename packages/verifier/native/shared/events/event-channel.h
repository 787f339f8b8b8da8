/* The way of events from a judged process to the collector that sigtool-launch started beside it.
 *
 * A message begins with struct message_head. After it follow lines of JSON, separated by line
 * feeds. If the ticket of a message is not 0, the collector answers when the lines are in the file,
 * or when they cannot be written: it stores the ticket, with ANSWER_FAILED if they were not
 * written, in the word `ticket % ANSWER_WORDS` of a page that only the collector can write to.
 *
 * docs/reference/audit-log.md tells what the collector writes. */
#ifndef SIGTOOL_EVENT_CHANNEL_H
#define SIGTOOL_EVENT_CHANNEL_H
#include "../settings/constants.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ANSWER_WORDS = 1024,
	ANSWER_PAGE_BYTES = ANSWER_WORDS * 4,
	/* The most bytes of a message, without its head. A longer line is cut, and is no JSON then. */
	MAX_MESSAGE_BYTES = 1 << 17,
};
#define ANSWER_FAILED 0x80000000u

struct message_head {
	uint32_t ticket; /* less than ANSWER_FAILED; 0 if nobody waits for an answer */
};

/* Takes over what the launcher passes. Returns false with errno if it is not there. The descriptor
 * of the page is not needed any more then, but other parts of the process may need it. Must be
 * called before the program's own code runs. */
bool open_channel(void);

/* Gives the socket the room that messages need. A program can take it away. */
void enlarge_channel(int socket);

/* Returns true if open_channel() has succeeded. */
bool has_channel(void);

/* The time for which the collector waits for the end of a program that lost its way to it. */
enum { NOTICE_SECONDS = 1 };

/* Sends lines, separated by line feeds. Returns false with errno if they were not taken.
 *
 * If `waits` is true, they are in the file when this function returns true. It waits for at most
 * CHANNEL_SECONDS, and then returns false. Otherwise it waits for room for a moment, but not again
 * while there is none. Any thread, and a child that was forked, may call this. */
enum { CHANNEL_SECONDS = 5 };
bool send_lines(const char *lines, size_t length, bool waits);

#endif
