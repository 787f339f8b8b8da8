#include "refused-thread.h"
#include <time.h>

/* A question takes a tenth of a millisecond, so nearly always a short wait or two are enough. Where
 * more threads ask than there are processors, one can be stopped within its question. All waits
 * together take half a second. */
enum { SHORT_WAITS = 100, MOST_WAITS = 300 };
enum { SHORT_WAIT_NS = 200000, LONG_WAIT_NS = 2000000 };

bool wait_for_thread(int refusals)
{
	const struct timespec wait = {
		.tv_nsec = refusals <= SHORT_WAITS ? SHORT_WAIT_NS : LONG_WAIT_NS,
	};
	if (refusals > MOST_WAITS)
		return false;
	nanosleep(&wait, NULL);
	return true;
}
