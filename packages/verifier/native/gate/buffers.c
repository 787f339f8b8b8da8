/* Keeps the memory of ArrayBuffers apart from all other memory of the process.
 *
 * Node.js gives libuv the address of a Buffer, and writes there later: what net's `onread` or
 * fs.read() receives. A program can have that memory freed meanwhile, when it transfers the
 * ArrayBuffer. libc would then give the memory to texts that V8 compiles, or to the objects that
 * say where an ArrayBuffer lies, which is to say to the whole address space. In an arena the write
 * reaches bytes of other ArrayBuffers alone.
 *
 * Node.js also keeps counts and indexes in ArrayBuffers (AliasedBuffer), and uses some of them
 * without a check. So what Node.js makes for itself lies in another arena, where no block is ever
 * used again: a late write reaches no number there. By one of these indexes a program can make
 * Node.js write behind the array of the index, which has a third arena. Room on both sides of each
 * ends the process that leaves it. */
#define _GNU_SOURCE
#include "../shared/process/decisions.h"
#include "arena.h"
#include "gate.h"
#include <dlfcn.h>
#include <string.h>

/* An index has 32 bits, and members have at most 8 bytes. */
static const size_t GUARD = ((size_t)1 << 35) + ((size_t)1 << 33);

static struct arena arenas[OWNERS] = {
	[THE_PROGRAM] = {.unit = 64, .is_accessible = true},
	[NODE] = {.unit = 1 << 12, .is_accessible = true, .is_used_once = true},
	[A_STACK] = {.unit = 1 << 12, .is_accessible = true, .is_used_once = true},
};
static const size_t MOST_BYTES[OWNERS] = {
	[THE_PROGRAM] = (size_t)1 << 37,
	[NODE] = (size_t)1 << 44,
	[A_STACK] = (size_t)1 << 40,
};

/* Resizable ArrayBuffers and WebAssembly reserve pages, WebAssembly 8 GiB and more at a time. */
static struct arena pages = {.unit = 1 << 16};
static const size_t MOST_PAGES = (size_t)1 << 44;

static DECIDES struct extent make_buffer;
static DECIDES struct extent adopt_memory;

/* Returns the arena that has this address, or NULL. */
static struct arena *arena_of(const void *address)
{
	for (size_t i = 0; i < OWNERS; i++) {
		if (is_of_arena(&arenas[i], address))
			return &arenas[i];
	}
	return NULL;
}

_Noreturn static void end_without_memory(void)
{
	fail(UNDECIDED, "ERR_LIMIT", "Cannot go on: there is no memory for an ArrayBuffer");
}

static void do_nothing(void *self)
{
	(void)self;
}

static void *allocate(void *self, size_t length)
{
	bool is_zero;
	void *memory = take_block(&arenas[take_owner(length)], length, &is_zero);
	(void)self;
	if (memory != NULL && !is_zero)
		memset(memory, 0, length);
	return memory;
}

static void *allocate_uninitialized(void *self, size_t length)
{
	bool is_zero;
	(void)self;
	return take_block(&arenas[take_owner(length)], length, &is_zero);
}

static void give_back(void *self, void *memory, size_t length)
{
	(void)self;
	(void)length;
	struct arena *arena = arena_of(memory);
	if (memory != NULL && (arena == NULL || !give_block(arena, memory)))
		fail(REFUSED, NULL, "Cannot go on: memory is freed that no ArrayBuffer has");
}

static void *reallocate(void *self, void *memory, size_t length, size_t new_length)
{
	void *moved = allocate(self, new_length);
	if (moved == NULL)
		return NULL;
	memcpy(moved, memory, length < new_length ? length : new_length);
	give_back(self, memory, length);
	return moved;
}

/* An object of C++ begins with the address of its virtual functions. Two more words are before
 * them. The class that V8 makes has no more functions than these, in any release. */
enum { DESTROY, DELETE, ALLOCATE, ALLOCATE_UNINITIALIZED, FREE, REALLOCATE, SLOTS = 10 };
struct functions {
	const void *before[2];
	const void *slots[SLOTS];
};
static DECIDES struct functions functions;
static DECIDES struct {
	const void **slots;
} allocator = {functions.slots};

/* Takes what this file does not replace from the allocator of V8. */
static void prepare_allocator(void)
{
	const struct functions *const *original =
		((const struct functions *const *(*)(void))targets.new_allocator)();
	memcpy(&functions, (const uint8_t *)*original - sizeof functions.before, sizeof functions);
	functions.slots[DESTROY] = functions.slots[DELETE] = (const void *)do_nothing;
	functions.slots[ALLOCATE] = (const void *)allocate;
	functions.slots[ALLOCATE_UNINITIALIZED] = (const void *)allocate_uninitialized;
	functions.slots[FREE] = (const void *)give_back;
	if (memory_functions.reallocate != NULL)
		functions.slots[REALLOCATE] = (const void *)reallocate;
}

void *make_allocator(void)
{
	return &allocator;
}

void open_buffers(void)
{
	bool are_open = open_arena(&pages, MOST_PAGES, 0);
	for (size_t i = 0; i < OWNERS; i++)
		are_open = are_open && open_arena(&arenas[i], MOST_BYTES[i], GUARD);
	if (!are_open)
		fail(UNDECIDED, "ERR_LIMIT",
			"Cannot start: there are no addresses for the memory of ArrayBuffers; raise the limit "
			"on addresses (ulimit -v, LimitAS=)");
	find_stacks();
	make_buffer = extent_of(memory_functions.make_buffer);
	adopt_memory = extent_of(targets.adopt_memory);
	prepare_allocator();
}

/* A BackingStore::DeleterCallback */
typedef void free_memory(void *memory, size_t length, void *hint);

static void free_moved(void *memory, size_t length, void *hint)
{
	give_back(hint, memory, length);
}

/* Moves memory that Node.js has made for an ArrayBuffer into the arena. The arguments from `first`
 * on are the memory, its length, its deleter and a hint. Memory of addons stays, because they know
 * its address. A variable stays too: Node.js shares some with its own tracing. */
static void move_memory(struct arguments *arguments, size_t first, const void *caller)
{
	Dl_info variable;
	void **at = &arguments->at[first];
	const size_t length = (size_t)at[1];
	const bool is_of_addon = !is_own_code(caller) || is_from(make_buffer, caller);
	if (at[0] == NULL || is_of_addon || arena_of(at[0]) != NULL || dladdr(at[0], &variable) != 0)
		return;
	void *memory = allocate_uninitialized(NULL, length);
	if (memory == NULL)
		end_without_memory();
	memcpy(memory, at[0], length);
	((free_memory *)at[2])(at[0], length, at[3]);
	at[0] = memory;
	at[2] = (void *)free_moved;
	at[3] = NULL;
}

/* Such a function returns an object in memory. On x86-64 its address is the first argument. */
#ifdef __x86_64__
enum { FIRST = 1 };
#else
enum { FIRST = 0 };
#endif

void move_used_memory(struct arguments *arguments)
{
	const void *caller = caller_of(arguments);
	if (!is_from(adopt_memory, caller))
		move_memory(arguments, FIRST, caller);
}

void move_adopted_memory(struct arguments *arguments)
{
	move_memory(arguments, FIRST + 1, caller_of(arguments)); /* behind the isolate */
}

/* V8 reserves pages without a hint and without access for resizable ArrayBuffers and WebAssembly
 * alone. */
void *allocate_pages(void *self, void *hint, size_t size, size_t alignment, int permission)
{
	enum { NO_ACCESS, NO_ACCESS_YET = 5 /* only macOS tells it from NO_ACCESS */ };
	const bool is_buffer = hint == NULL && permission == NO_ACCESS && alignment <= pages.unit;
	bool is_zero;
	(void)self;
	if (is_buffer)
		return take_block(&pages, size, &is_zero);
	const int real = permission == NO_ACCESS_YET ? NO_ACCESS : permission;
	return memory_functions.allocate(hint, size, alignment, real, 0, 0);
}

bool free_pages(void *self, void *memory, size_t size)
{
	(void)self;
	if (!is_of_arena(&pages, memory))
		memory_functions.free(memory, size);
	else if (!give_block(&pages, memory))
		fail(REFUSED, NULL, "Cannot go on: pages are freed that no ArrayBuffer has");
	return true; /* later releases return nothing */
}
