/* Memory that serves one purpose alone for as long as the process lives.
 *
 * Whoever keeps the address of a block that he gave back, and writes to it, reaches only other
 * blocks of the same arena and size, or none if blocks are never used again. All that this file
 * knows about the blocks lies elsewhere. Blocks have few different sizes, so that a free one suits
 * the next request. */
#ifndef SIGTOOL_ARENA_H
#define SIGTOOL_ARENA_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_SIZES = 128 };

/* The blocks of one size. */
struct blocks {
	pthread_mutex_t mutex;
	uint32_t *free; /* twice the number of a unit; plus 1 if all bytes are 0 */
	size_t free_count;
	size_t free_room;
	uint8_t *next; /* memory of which no block was made yet, and its end */
	uint8_t *end;
};

struct arena {
	/* The size of a block is a multiple of this number of bytes. */
	size_t unit;
	/* True if blocks can be read and written. Otherwise whoever takes one gives it permissions, and
	 * it loses them when it is given back. */
	bool is_accessible;
	/* True if no block is ever used again. Then `unit` must be a multiple of a page, so that a
	 * block can give its pages back, and only the addresses are lost. */
	bool is_used_once;
	uint8_t *first;
	size_t room;
	uint8_t *states; /* one byte a unit: 0, or 1 + the index in `sizes` of the block there */
	pthread_mutex_t mutex; /* of `taken` and `opened` */
	atomic_size_t taken;
	size_t opened;
	atomic_size_t kept; /* bytes in large free blocks that have their pages */
	struct blocks sizes[MAX_SIZES];
};

/* Reserves addresses for an arena: `most` bytes or less, with `guard` bytes before and behind it
 * that can never be accessed. Returns false if the process can have no such room. */
bool open_arena(struct arena *arena, size_t most, size_t guard);

/* Returns true if the address is in the arena. */
bool is_of_arena(const struct arena *arena, const void *address);

/* Returns a block of at least `size` bytes, or NULL. `is_zero` tells if all of its bytes are 0. */
void *take_block(struct arena *arena, size_t size, bool *is_zero);

/* Takes a block back. Returns false if no living block begins at this address. */
bool give_block(struct arena *arena, void *address);

#endif
