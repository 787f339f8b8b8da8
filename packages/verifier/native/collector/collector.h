/* The interfaces of the collector: a process that the launcher starts beside the judged program,
 * and that alone can write to the file of events. It knows no rules and judges nothing. */
#ifndef SIGTOOL_COLLECTOR_H
#define SIGTOOL_COLLECTOR_H
#include "../shared/events/event-channel.h"
#include "../shared/events/event-line.h"
#include "../shared/text/hex.h"
#include "../shared/digest/sha256.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* The most bytes that the collector adds to a line of the program. */
	MAX_STAMP_BYTES = 160,
	/* The longest line that the collector writes, with its line feed. A longer one has no `chain`
	   for those who check the log. */
	MAX_CHAINED_BYTES = MAX_MESSAGE_BYTES + MAX_STAMP_BYTES,
};

/* Begins the last member of a line that the collector writes. After it follow the digest, `"` and
 * `}`. */
#define CHAIN_MEMBER ",\"chain\":\""

/* log-file.c: the file. */

/* Opens the file of events. Returns false with errno. */
bool open_log(const char *path);

/* Closes it in the process that has started the collector. */
void close_log(void);

const char *log_path(void);

/* Returns true if log-file.c uses this descriptor. */
bool is_of_log(int descriptor);

/* Why a file, or a part of it, does not begin where the chain is known to end. */
enum beginning {
	NO_BEGINNING,
	NEW_FILE,
	AFTER_ROTATION,
	AFTER_CUT,
	AFTER_UNREADABLE,
	AFTER_UNCOVERED,
};

/* Makes the file ready for lines, and keeps other collectors away from it until release_log().
 * Follows a file that was rotated. Finds the end of the chain again if others have appended lines.
 * Returns false if there is no file to write to. `*beginning` tells if a record of a beginning has
 * to come first, and `*trouble` why the file that has the path now cannot be used, or is NULL. */
bool acquire_log(enum beginning *beginning, const char **trouble);
void release_log(void);

/* Appends lines between acquire_log() and release_log(). `ends` has the number of bytes of `text`
 * up to the end of each line, line feed included. Returns how many lines are in the file as a
 * whole. The chain then goes on from the last of those, and covers what is there of the next. */
size_t append_to_log(const char *text, const size_t *ends, size_t count);

/* chain.c: what the next line of the file covers. */

/* Writes the digest that the next line must carry: zeros if no line before is known. */
void chain_end(char hex[SHA256_HEX + 1]);

/* Returns true if somebody who checks the log takes this for a line that has a `chain`. */
bool has_chain(const char *line, size_t length);

/* Begins anew with a line that has a `chain`. */
void begin_chain(const char *line, size_t length);

/* Adds bytes that stand in the file behind those before. */
void extend_chain(const char *bytes, size_t length);

/* Nobody knows what stands before the next line. */
void lose_chain(void);

/* Begins anew with the last line between `from` and `to` that has a `chain` (READ), or adds the
 * bytes there if none has (READ_ON). Looks at a part of limited size only (TOO_FAR). `is_line`
 * tells that a line begins at `from`. */
enum reading { READ, READ_ON, UNREADABLE, TOO_FAR };
enum reading read_chain(int reader, off_t from, off_t to, bool is_line);

/* batch.c: the lines that are written together. */

/* Returns where the next message can be received, which has room for MESSAGE_ROOM bytes, or NULL if
 * the batch has to be written first. */
enum { MESSAGE_ROOM = sizeof(struct message_head) + MAX_MESSAGE_BYTES };
char *room_for_message(void);

/* Adds the message that was received there. `sent` is its size, which may exceed MESSAGE_ROOM, and
 * `sender` the process that has sent it. */
void add_message(size_t sent, pid_t sender);

/* Writes what was added, and answers. */
void write_batch(void);

/* Writes a line of the collector itself. */
void write_own(const char *event, enum verdict verdict);

/* The page by which senders learn that a line was written. */
extern _Atomic uint32_t *answer_words;

/* log-lines.c: what a line may be. */

/* Returns true if the text is one object of JSON that has members, none of which is one that the
 * collector adds, and if it has no control characters. */
bool is_event_line(const char *text, size_t length);

/* Writes the text as a C string: NUL bytes become U+2400. */
void readable_text(const char *text, size_t length, char *to, size_t room);

/* confine.c */

/* Takes every right from this process that it does not need to write to the file of events at
 * `path`. Returns false with errno if the kernel refuses that. */
bool confine_collector(const char *path);

/* collector.c */

/* Starts the collector, whose file open_log() has opened. Afterwards this process has the sending
 * end at CHANNEL_DESCRIPTOR and the page at ANSWERS_DESCRIPTOR, and open_channel() has been called.
 * Returns false with errno. */
bool start_collector(const char *path);

#endif
