#define _GNU_SOURCE
#include "arena.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t LEAST_ROOM = (size_t)1 << 32;

/* Blocks that are smaller are made several at a time. Larger ones give their pages back. */
static const size_t LARGE = (size_t)1 << 16;

/* Large free blocks keep so many bytes, because new pages take more time than old ones. */
static const size_t MOST_KEPT = (size_t)1 << 25;

/* So many units become accessible at a time, but not more bytes. */
static const size_t STEP_UNITS = (size_t)1 << 20;
static const size_t MOST_STEP = (size_t)1 << 26;

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static void *reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

bool open_arena(struct arena *arena, size_t most, size_t guard)
{
	uint8_t *memory = NULL;
	for (size_t room = most; memory == NULL && room >= LEAST_ROOM; room /= 2) {
		memory = reserve(guard + room + arena->unit + guard);
		arena->room = room;
	}
	arena->states = memory == NULL ? NULL : reserve(arena->room / arena->unit);
	if (arena->states == NULL)
		return false;
	arena->first = (uint8_t *)round_up((uintptr_t)memory + guard, arena->unit);
	for (size_t i = 0; i < MAX_SIZES; i++)
		pthread_mutex_init(&arena->sizes[i].mutex, NULL);
	pthread_mutex_init(&arena->mutex, NULL);
	return true;
}

bool is_of_arena(const struct arena *arena, const void *address)
{
	return (uintptr_t)address - (uintptr_t)arena->first < arena->room;
}

/* Returns how many bytes become accessible at a time. Their states fill pages. */
static size_t step_of(const struct arena *arena)
{
	const size_t step = STEP_UNITS * arena->unit;
	const size_t least = (size_t)getpagesize() * arena->unit;
	if (!arena->is_accessible || step <= MOST_STEP)
		return step;
	return least > MOST_STEP ? least : MOST_STEP;
}

/* Makes the memory up to `end` accessible, and that of its states. */
static bool open_until(struct arena *arena, size_t end)
{
	const size_t step = step_of(arena);
	const size_t opened = arena->opened;
	const size_t next = round_up(end, step) < arena->room ? round_up(end, step) : arena->room;
	const bool has_states = mprotect(arena->states + opened / arena->unit,
								(next - opened) / arena->unit, PROT_READ | PROT_WRITE) == 0;
	if (!has_states)
		return false;
	if (arena->is_accessible &&
		mprotect(arena->first + opened, next - opened, PROT_READ | PROT_WRITE) != 0)
		return false;
	arena->opened = next;
	return true;
}

/* Takes memory that no block ever had. */
static uint8_t *take_new(struct arena *arena, size_t size)
{
	uint8_t *memory = NULL;
	size = round_up(size, (size_t)getpagesize());
	pthread_mutex_lock(&arena->mutex);
	const bool has_room = size <= arena->room - arena->taken;
	const size_t end = arena->taken + size;
	if (has_room && (end <= arena->opened || open_until(arena, end))) {
		memory = arena->first + arena->taken;
		arena->taken = end;
	}
	pthread_mutex_unlock(&arena->mutex);
	return memory;
}

/* Returns the index in `sizes` for a number of units. From four units on, there are four sizes
 * before each size is doubled. */
static size_t index_of_size(size_t units)
{
	if (units <= 4)
		return units - 1;
	const unsigned shift = 61 - (unsigned)__builtin_clzll(units - 1);
	return 4 * shift + ((units - 1) >> shift);
}

static size_t units_of_index(size_t index)
{
	return index < 4 ? index + 1 : (5 + index % 4) << (index / 4 - 1);
}

static uint8_t *make_block(struct arena *arena, struct blocks *blocks, size_t size)
{
	if (size >= LARGE)
		return take_new(arena, size);
	if (blocks->next == blocks->end) {
		const size_t count = 4 * size > LARGE ? 4 : LARGE / size;
		blocks->next = take_new(arena, count * size);
		blocks->end = blocks->next == NULL ? NULL : blocks->next + count * size;
	}
	uint8_t *block = blocks->next;
	blocks->next = block == NULL ? NULL : block + size;
	return block;
}

void *take_block(struct arena *arena, size_t size, bool *is_zero)
{
	if (size > arena->room / 2)
		return NULL;
	const size_t index = index_of_size(size == 0 ? 1 : (size + arena->unit - 1) / arena->unit);
	const size_t whole = units_of_index(index) * arena->unit;
	struct blocks *blocks = &arena->sizes[index];
	uint8_t *block;
	*is_zero = true;
	pthread_mutex_lock(&blocks->mutex);
	if (blocks->free_count == 0) {
		block = make_block(arena, blocks, whole);
	} else {
		const uint32_t free = blocks->free[--blocks->free_count];
		block = arena->first + (size_t)(free / 2) * arena->unit;
		*is_zero = free % 2 != 0;
	}
	pthread_mutex_unlock(&blocks->mutex);
	if (block == NULL)
		return NULL;
	if (!*is_zero && whole >= LARGE)
		arena->kept -= whole;
	__atomic_store_n(&arena->states[(size_t)(block - arena->first) / arena->unit],
		(uint8_t)(index + 1), __ATOMIC_RELEASE);
	return block;
}

/* Gives the pages of a block back, if it is never used again, or if it is large and others have
 * kept enough. Returns true if the block has no content any more. */
static bool empty(struct arena *arena, uint8_t *block, size_t size)
{
	if (arena->is_used_once)
		return madvise(block, size, MADV_DONTNEED) == 0;
	if (!arena->is_accessible) {
		const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
		return mmap(block, size, PROT_NONE, flags, -1, 0) == block;
	}
	if (size < LARGE)
		return false;
	if (arena->kept + size > MOST_KEPT && madvise(block, size, MADV_DONTNEED) == 0)
		return true;
	arena->kept += size;
	return false;
}

/* Notes a free block. Without memory for that it is never used again. */
static void note_free(struct blocks *blocks, uint32_t free)
{
	pthread_mutex_lock(&blocks->mutex);
	if (blocks->free_count == blocks->free_room) {
		const size_t room = blocks->free_room == 0 ? 64 : 2 * blocks->free_room;
		uint32_t *more = reallocarray(blocks->free, room, sizeof *more);
		if (more != NULL) {
			blocks->free = more;
			blocks->free_room = room;
		}
	}
	if (blocks->free_count < blocks->free_room)
		blocks->free[blocks->free_count++] = free;
	pthread_mutex_unlock(&blocks->mutex);
}

bool give_block(struct arena *arena, void *address)
{
	const size_t at = (size_t)((uint8_t *)address - arena->first);
	if (at >= arena->taken || at % arena->unit != 0)
		return false;
	const size_t unit = at / arena->unit;
	const uint8_t state = __atomic_exchange_n(&arena->states[unit], 0, __ATOMIC_ACQ_REL);
	if (state == 0)
		return false;
	const size_t size = units_of_index(state - 1u) * arena->unit;
	const bool is_empty = empty(arena, address, size);
	/* A block that has kept its permissions must not be taken again as if it had none. */
	if (!arena->is_used_once && (arena->is_accessible || is_empty))
		note_free(&arena->sizes[state - 1u], (uint32_t)(2 * unit + is_empty));
	return true;
}
