/* Guarantees that the sum over all lines, in which a line without `count` is 1, is the number of
 * refusals. The first is written as it is. Later ones that differ in nothing but the time are
 * written as one line with `count`: when their number has doubled, when a minute has passed since
 * the last line, and when the process ends. A child that was forked begins without counts, because
 * its parent writes those. */
#define _GNU_SOURCE
#include "repeats.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The kind of refusal that was seen least recently is forgotten if there are more. */
enum { MAX_KINDS = 64, COUNT_SECONDS = 60, ROOM_FOR_COUNT = 40 };

static struct kind {
	unsigned long total; /* 0 if the slot is free */
	unsigned long next_total; /* the number of refusals at which the next line is due */
	unsigned long unwritten; /* the refusals for which there is no line yet */
	enum verdict verdict;
	time_t written;
	unsigned long used; /* the greatest number is that of the kind that was seen last */
	size_t length;
	char rest[sizeof(struct event_line)]; /* the line after its time, without a NUL */
} kinds[MAX_KINDS];
static unsigned long uses;
static pid_t owner;
static unsigned waiting; /* the number of kinds with unwritten refusals */

/* Nothing waits for this lock, because a thread that holds it does not exist in a forked child. */
static atomic_flag lock = ATOMIC_FLAG_INIT;

static const char *rest_of(const struct event_line *line)
{
	/* A line begins with its time, which contains no quote. */
	return strstr(line->text, "\",") + 1;
}

static time_t seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Forgets the counts of the process that forked this one. */
static void own_counts(void)
{
	const pid_t process = getpid();
	if (owner == process)
		return;
	/* Otherwise all pages of the table would be written to at the first refusal. */
	for (size_t i = 0; i < MAX_KINDS && owner != 0; i++)
		kinds[i].total = 0;
	owner = process;
	waiting = 0;
}

static bool write_count(struct kind *kind, write_line *write)
{
	struct event_line line;
	char count[ROOM_FOR_COUNT] = "";
	if (kind->unwritten > 1)
		snprintf(count, sizeof count, ",\"count\":%lu", kind->unwritten);
	begin_event(&line);
	const int length = snprintf(line.text + line.length, sizeof line.text - line.length, "%.*s%s}",
		(int)kind->length - 1, kind->rest, count);
	line.length += (size_t)length;
	if (!write(&line, kind->verdict))
		return false;
	kind->unwritten = 0;
	kind->written = seconds_now();
	waiting--;
	return true;
}

static bool is_due(const struct kind *kind)
{
	return kind->total >= kind->next_total || seconds_now() - kind->written >= COUNT_SECONDS;
}

/* Returns the kind of a line, or NULL. */
static struct kind *find(const char *rest, size_t length)
{
	for (size_t i = 0; i < MAX_KINDS; i++) {
		struct kind *kind = &kinds[i];
		if (kind->total > 0 && kind->length == length && memcmp(kind->rest, rest, length) == 0)
			return kind;
	}
	return NULL;
}

/* Returns a free slot, or that of the kind that was seen least recently. */
static struct kind *oldest(void)
{
	struct kind *oldest = &kinds[0];
	for (size_t i = 0; i < MAX_KINDS; i++) {
		if (kinds[i].total == 0)
			return &kinds[i];
		if (kinds[i].used < oldest->used)
			oldest = &kinds[i];
	}
	return oldest;
}

static bool count(struct kind *kind, write_line *write)
{
	kind->total++;
	kind->used = ++uses;
	if (kind->unwritten == 0)
		waiting++;
	kind->unwritten++;
	if (!is_due(kind))
		return true;
	if (kind->total >= kind->next_total)
		kind->next_total *= 2;
	return write_count(kind, write);
}

static bool add(const struct event_line *line, enum verdict verdict, write_line *write)
{
	const char *rest = rest_of(line);
	const size_t length = line->length - (size_t)(rest - line->text);
	own_counts();
	if (line->length + ROOM_FOR_COUNT > sizeof line->text)
		return write(line, verdict);
	struct kind *kind = find(rest, length);
	if (kind != NULL)
		return count(kind, write);
	if (!write(line, verdict))
		return false;
	kind = oldest();
	if (kind->total > 0 && kind->unwritten > 0 && !write_count(kind, write))
		return false;
	kind->total = 1;
	kind->next_total = 2;
	kind->unwritten = 0;
	kind->verdict = verdict;
	kind->written = seconds_now();
	kind->used = ++uses;
	kind->length = length;
	memcpy(kind->rest, rest, length);
	return true;
}

bool add_refusal(const struct event_line *line, enum verdict verdict, write_line *write)
{
	if (atomic_flag_test_and_set(&lock))
		return write(line, verdict);
	const bool is_taken = add(line, verdict, write);
	atomic_flag_clear(&lock);
	return is_taken;
}

bool write_counts(bool all, write_line *write)
{
	bool are_taken = true;
	if (waiting == 0 || atomic_flag_test_and_set(&lock))
		return true;
	own_counts();
	for (size_t i = 0; i < MAX_KINDS; i++) {
		struct kind *kind = &kinds[i];
		if (kind->total > 0 && kind->unwritten > 0 && (all || is_due(kind)))
			are_taken = write_count(kind, write) && are_taken;
	}
	atomic_flag_clear(&lock);
	return are_taken;
}
