#include "../shared/process/decisions.h"
#include "gate.h"
#include <pthread.h>
#include <stdatomic.h>

static DECIDES bool is_closed; /* set before there is another thread */
static DECIDES atomic_bool has_begun;
static atomic_bool has_hook;
static _Thread_local bool has_begun_here;

bool is_gate_closed(void)
{
	return is_closed;
}

void note_gate_closed(void)
{
	is_closed = true;
}

bool has_program_begun(void)
{
	return atomic_load(&has_begun);
}

bool has_program_begun_here(void)
{
	return has_begun_here;
}

static void begin(void)
{
	atomic_store(&has_begun, true);
	if (!seal_decisions())
		fail(UNDECIDED, "ERR_START", "Cannot start: the gate's own memory cannot be sealed: %m");
}

void note_program_begun(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	has_begun_here = true;
	pthread_once(&once, begin);
}

bool is_hook_there(void)
{
	return atomic_load(&has_hook);
}

void note_hook(void)
{
	atomic_store(&has_hook, true);
}
