/* The messages that are written together, because a burst of events comes faster than lines can be
 * written one by one.
 *
 * Guarantees that a sender which waits is told the truth, that lines stay in the order in which
 * they came, and that lines which could not be written are counted, or told to their sender.
 * Nothing is allocated, so no program can make the collector take more memory. */
#define _GNU_SOURCE
#include "collector.h"
#include <linux/futex.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_BYTES = 1 << 18, MAX_MESSAGES = 1 << 10 };
enum { OUTPUT_BYTES = 1 << 19, MAX_LINES = 1 << 12 };
enum { REPORT_SECONDS = 60, FOREIGN_BYTES = 1 << 12 };

_Atomic uint32_t *answer_words;

static char input[INPUT_BYTES + MESSAGE_ROOM];
static size_t input_length;
static struct received {
	const char *text;
	size_t length;
	size_t missing; /* bytes that were sent and for which there was no room */
	pid_t sender;
	uint32_t ticket;
	bool is_lost; /* a line of it is not in the file */
} messages[MAX_MESSAGES];
static size_t message_count;

/* The owner of a line is the number of its message, or one of these. */
enum { OF_BEGINNING = -1, OF_COUNT = -2, OF_COLLECTOR = -3 };

static char output[OUTPUT_BYTES];
static size_t ends[MAX_LINES]; /* the end of each line in `output` */
static int owners[MAX_LINES];
static size_t line_count;
static char chain[SHA256_HEX + 1]; /* what the next line of `output` carries */

static unsigned long sequence; /* of the last line that was composed */
static unsigned long lost; /* lines that nobody waited for, and that no line reports yet */
static unsigned long reported; /* those that a line in `output` reports */
static enum beginning due; /* a record of a beginning that is not in the file yet */

char *room_for_message(void)
{
	const bool has_room = input_length < INPUT_BYTES && message_count < MAX_MESSAGES;
	return has_room ? input + input_length : NULL;
}

void add_message(size_t sent, pid_t sender)
{
	struct message_head head = {0};
	char *at = input + input_length;
	const size_t length = sent < MESSAGE_ROOM ? sent : MESSAGE_ROOM;
	const size_t head_bytes = length < sizeof head ? length : sizeof head;
	memcpy(&head, at, head_bytes);
	messages[message_count++] = (struct received){
		.text = at + head_bytes,
		.length = length - head_bytes,
		.missing = sent - length,
		.sender = sender,
		.ticket = head.ticket & ~ANSWER_FAILED,
	};
	input_length += length;
}

static void note_loss(int owner)
{
	if (owner == OF_COUNT)
		reported = 0;
	if (owner < 0)
		return;
	messages[owner].is_lost = true;
	if (messages[owner].ticket == 0)
		lost++;
}

static void note_written(int owner)
{
	if (owner == OF_BEGINNING)
		due = NO_BEGINNING;
	if (owner == OF_COUNT) {
		lost -= reported;
		reported = 0;
	}
}

static void write_output(void)
{
	const size_t written = append_to_log(output, ends, line_count);
	for (size_t i = 0; i < line_count; i++) {
		if (i < written)
			note_written(owners[i]);
		else
			note_loss(owners[i]);
	}
	line_count = 0;
	chain_end(chain);
}

/* The sender of a line of the collector itself. A process of another namespace has the number 0. */
enum { OWN = -1 };

/* Composes a line of an object of JSON. */
static void put_line(const char *object, size_t length, pid_t sender, int owner)
{
	char from[24] = "";
	size_t start = line_count == 0 ? 0 : ends[line_count - 1];
	if (line_count == MAX_LINES || start + length + MAX_STAMP_BYTES > OUTPUT_BYTES) {
		write_output();
		start = 0;
	}
	if (sender != OWN)
		snprintf(from, sizeof from, ",\"from\":%d", sender);
	char *at = output + start;
	memcpy(at, object, length - 1);
	const int stamp = snprintf(at + length - 1, MAX_STAMP_BYTES,
		",\"seq\":%lu%s" CHAIN_MEMBER "%s\"}\n", ++sequence, from, chain);
	const size_t end = length - 1 + (size_t)stamp;
	uint8_t digest[SHA256_BYTES];
	sha256_bytes(at, end - 1, digest);
	to_hex(digest, chain);
	ends[line_count] = start + end;
	owners[line_count] = owner;
	line_count++;
}

__attribute__((sentinel)) static void put_event(
	pid_t sender, int owner, const char *event, enum verdict verdict, ...)
{
	struct event_line line;
	va_list values;
	va_start(values, verdict);
	compose_event(&line, event, verdict, values);
	va_end(values);
	put_line(line.text, line.length, sender, owner);
}

/* Writes the lines of a message, and what is no line of an event as one record of text. */
static void put_message(int owner)
{
	const struct received *message = &messages[owner];
	char foreign[FOREIGN_BYTES];
	char readable[3 * FOREIGN_BYTES + 1];
	char size[24];
	size_t foreign_bytes = message->missing;
	size_t kept = 0;
	const char *end = message->text + message->length;
	for (const char *at = message->text; at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *next = feed == NULL ? end : feed + 1;
		const size_t length = (size_t)((feed == NULL ? end : feed) - at);
		if (is_event_line(at, length)) {
			put_line(at, length, message->sender, owner);
		} else {
			const size_t whole = (size_t)(next - at);
			const size_t part = whole < FOREIGN_BYTES - kept ? whole : FOREIGN_BYTES - kept;
			memcpy(foreign + kept, at, part);
			kept += part;
			foreign_bytes += whole;
		}
		at = next;
	}
	if (foreign_bytes == 0)
		return;
	readable_text(foreign, kept, readable, sizeof readable);
	snprintf(size, sizeof size, "%zu", foreign_bytes);
	put_event(message->sender, owner, "log.malformed", RECORD, "#sizeBytes", size, "detail",
		readable, NULL);
}

static void put_beginning(void)
{
	static const char *const KINDS[] = {
		[NEW_FILE] = "new",
		[AFTER_ROTATION] = "rotated",
		[AFTER_CUT] = "cut",
		[AFTER_UNREADABLE] = "unreadable",
		[AFTER_UNCOVERED] = "uncovered",
	};
	if (due != NO_BEGINNING)
		put_event(OWN, OF_BEGINNING, "log.begin", ALLOW, "kind", KINDS[due], NULL);
}

static void put_losses(void)
{
	char count[24];
	if (lost == 0)
		return;
	snprintf(count, sizeof count, "%lu", lost);
	reported = lost;
	put_event(OWN, OF_COUNT, "verifier.dropped", ALLOW, "#count", count, NULL);
}

static bool is_due_again(time_t *before)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	const bool is_due = *before == 0 || now.tv_sec - *before >= REPORT_SECONDS;
	if (is_due)
		*before = now.tv_sec;
	return is_due;
}

/* Tells once in a minute that the file at the path cannot be used. */
static void put_trouble(const char *trouble, bool has_file)
{
	static time_t told;
	if (trouble == NULL || !is_due_again(&told))
		return;
	dprintf(STDERR_FILENO,
		"sigtool-launch: ERR_AUDIT_SINK: Cannot write audit events to \"%s\": %s%s\n", log_path(),
		trouble, has_file ? "; they go on to the file that had this path" : "");
	if (has_file)
		put_event(OWN, OF_COLLECTOR, "verifier.detached", RECORD, "path", log_path(), "detail",
			trouble, "reason", "ERR_AUDIT_SINK", NULL);
}

static bool begin_output(void)
{
	enum beginning beginning;
	const char *trouble;
	const bool has_file = acquire_log(&beginning, &trouble);
	if (beginning != NO_BEGINNING)
		due = beginning;
	chain_end(chain);
	line_count = 0;
	if (has_file)
		put_beginning();
	put_trouble(trouble, has_file);
	if (has_file)
		put_losses();
	return has_file;
}

static void answer(uint32_t ticket, bool is_written)
{
	_Atomic uint32_t *word = &answer_words[ticket % ANSWER_WORDS];
	atomic_store(word, is_written ? ticket : ticket | ANSWER_FAILED);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* A message without text asks only if everything before it was written, or counted. */
static bool has_text(void)
{
	for (size_t i = 0; i < message_count; i++) {
		if (messages[i].length > 0)
			return true;
	}
	return false;
}

void write_batch(void)
{
	if (has_text()) {
		const bool has_file = begin_output();
		for (size_t i = 0; i < message_count; i++) {
			if (has_file)
				put_message((int)i);
			else if (messages[i].length > 0)
				note_loss((int)i);
		}
		if (has_file) {
			write_output();
			release_log();
		}
	}
	for (size_t i = 0; i < message_count; i++) {
		if (messages[i].ticket != 0)
			answer(messages[i].ticket, !messages[i].is_lost);
	}
	message_count = 0;
	input_length = 0;
}

void write_own(const char *event, enum verdict verdict)
{
	if (!begin_output())
		return;
	put_event(OWN, OF_COLLECTOR, event, verdict, NULL);
	write_output();
	release_log();
}
