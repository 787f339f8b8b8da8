#include "gate.h"
#include <stdatomic.h>

static bool is_closed; /* set before there is another thread */
static atomic_bool has_begun;

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

void note_program_begun(void)
{
	atomic_store(&has_begun, true);
}
