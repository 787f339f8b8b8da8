/* The ends until which the index counts: its own, and that of its signer's certificate. They are
 * judged when the process starts. A process that runs, and the children that it forks, go on
 * afterwards, unless the host says otherwise, and say so once a day. */
#include "../shared/process/decisions.h"
#include "trust.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	DAY_SECONDS = 86400,
	NO_NOTICE = 1 << 20, /* more days than any notice has */
};

/* enum end_of has the order. */
static struct end {
	const char *what;
	const char *code;
	atomic_bool is_past; /* it stays so, even if the clock is set back */
	atomic_int days; /* the number of days that was told last */
	atomic_llong next; /* when verifier.expired is raised next, by the clock that nobody can set */
} ends[] = {
	{"index", "ERR_INDEX_EXPIRED", false, NO_NOTICE, 0},
	{"certificate", "ERR_CERTIFICATE_EXPIRED", false, NO_NOTICE, 0},
};

/* In milliseconds since 1970, by enum end_of. */
static DECIDES uint64_t times[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

void end_at(enum end_of of, uint64_t not_after)
{
	if (not_after < times[of])
		times[of] = not_after;
}

uint64_t noted_end(enum end_of of)
{
	return times[of];
}

bool needs_timestamp(void)
{
	static atomic_bool is_needed; /* it stays so, even if the clock is set back */
	if ((uint64_t)time(NULL) > times[END_OF_TIMESTAMPED] / 1000)
		atomic_store(&is_needed, true);
	return atomic_load(&is_needed);
}

/* A machine without a battery starts in 1970, or at the time of its last shutdown. */
void require_clock(void)
{
	if (time(NULL) < EARLIEST_SECONDS)
		fail(UNDECIDED, "ERR_CLOCK",
			"Cannot judge what has expired: the clock says a time before this release; set it, or "
			"wait for time-sync.target");
}

/* Returns the smallest number of days with a notice that is not less than the time left. */
static int notice_for(uint64_t seconds)
{
	if (seconds <= DAY_SECONDS)
		return 1;
	if (seconds <= 7 * DAY_SECONDS)
		return 7;
	return seconds <= 30 * DAY_SECONDS ? 30 : NO_NOTICE;
}

const char *text_of_time(uint64_t milliseconds, char text[TIME_ROOM])
{
	const time_t seconds = (time_t)(milliseconds / 1000);
	struct tm utc;
	char whole[24];
	text[0] = '\0';
	if (milliseconds == 0 || gmtime_r(&seconds, &utc) == NULL)
		return text;
	strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, TIME_ROOM, "%s.%03uZ", whole, (unsigned)(milliseconds % 1000));
	return text;
}

static void tell_expired(struct end *end)
{
	char text[TIME_ROOM];
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	if (moment.tv_sec < atomic_load(&end->next))
		return;
	atomic_store(&end->next, moment.tv_sec + DAY_SECONDS);
	raise_event("verifier.expired", RECORD, "what", end->what, "notAfter",
		text_of_time(times[end - ends], text), NULL);
}

static void tell_expiring(struct end *end, uint64_t now)
{
	char text[TIME_ROOM];
	char number[16];
	const int days = notice_for(times[end - ends] / 1000 - now);
	if (days >= atomic_load(&end->days))
		return;
	atomic_store(&end->days, days);
	snprintf(number, sizeof number, "%d", days);
	raise_event("verifier.expiring", ALLOW, "what", end->what, "notAfter",
		text_of_time(times[end - ends], text), "#days", number, NULL);
}

void tell_ends(void)
{
	const uint64_t now = (uint64_t)time(NULL);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct end *end = &ends[i];
		if (times[i] == UINT64_MAX)
			continue;
		if (now > times[i] / 1000)
			atomic_store(&end->is_past, true);
		if (atomic_load(&end->is_past))
			tell_expired(end);
		else
			tell_expiring(end, now);
	}
}

const char *refused_by_term(void)
{
	if (!rules.refuses_expired)
		return NULL;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (atomic_load(&ends[i].is_past))
			return ends[i].code;
	}
	return NULL;
}
