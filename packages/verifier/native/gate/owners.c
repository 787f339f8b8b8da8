/* Tells memory that Node.js makes for itself from memory of the program.
 *
 * Node.js makes its own arrays (AliasedBuffer) while it starts, before this thread compiles a text
 * of the program, and later by ArrayBuffer::New(), which no JavaScript calls. A few functions call
 * it for the program too: whoever calls it often does. A block too many for Node.js costs a page,
 * so the first calls from each place count as its own. */
#include "../shared/process/decisions.h"
#include "gate.h"

/* The arrays of Node.js itself have up to 4 KiB, but for stacks. */
static const size_t MOST_OWN = (size_t)1 << 14;

/* In a thread, Node.js 20 to 26 make some 30 arrays, and no place makes more than 8 of them. While
 * a thread starts it also reads what its creator sends it, which may be any number of arrays. */
enum { MOST_CALLS = 32, MOST_AT_START = 256, MOST_PLACES = 64 };

static DECIDES struct extent grow_stack;
static DECIDES struct extent grow_array;

static _Thread_local struct {
	size_t length; /* of the memory that V8 asks for next, or 0 */
	enum owner owner;
	size_t count_at_start;
	struct {
		const void *caller;
		size_t calls;
	} places[MOST_PLACES];
} thread;

void find_stacks(void)
{
	grow_stack = extent_of(memory_functions.grow_stack);
	grow_array = extent_of(memory_functions.grow_array);
}

/* Counts a call. Returns true if it is one of the first from its place. */
static bool is_early(const void *caller)
{
	for (size_t i = 0; i < MOST_PLACES; i++) {
		if (thread.places[i].caller == NULL)
			thread.places[i].caller = caller;
		if (thread.places[i].caller == caller)
			return ++thread.places[i].calls <= MOST_CALLS;
	}
	return false;
}

/* ArrayBuffer::New(isolate, length, ...) */
void note_request(struct arguments *arguments)
{
	const void *caller = caller_of(arguments);
	const size_t length = (size_t)arguments->at[1];
	thread.length = 0;
	if (is_from(grow_stack, caller) || is_from(grow_array, caller))
		thread.owner = A_STACK;
	else if (length <= MOST_OWN && is_own_code(caller) && is_early(caller))
		thread.owner = NODE;
	else
		return;
	thread.length = length;
}

enum owner take_owner(size_t length)
{
	if (thread.length != 0 && thread.length == length) {
		thread.length = 0;
		return thread.owner;
	}
	const bool is_at_start = !has_program_begun_here() && length <= MOST_OWN;
	return is_at_start && thread.count_at_start++ < MOST_AT_START ? NODE : THE_PROGRAM;
}
