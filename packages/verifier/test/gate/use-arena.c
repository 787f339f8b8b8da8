/* Takes and gives back blocks of an arena in several threads, and fails if two living blocks share
 * a byte, if a block that is said to be zero is not, or if a block is taken back that is not alive.
 *
 * Usage: `use-arena [outside]`. With `outside` the program reads before the arena, where nothing
 * may be. */
#define _GNU_SOURCE
#include "arena.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena = {.unit = 64, .is_accessible = true};

enum { THREADS = 4, KEPT = 64, ROUNDS = 20000 };

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void use(uint8_t *block, size_t size, bool is_zero, uint8_t mark)
{
	expect(is_of_arena(&arena, block) && (uintptr_t)block % 64 == 0, "not in the arena");
	expect(!is_zero || size == 0 || (block[0] == 0 && block[size / 2] == 0 && block[size - 1] == 0),
		"not zero");
	memset(block, mark, size);
}

static void check(const uint8_t *block, size_t size, uint8_t mark)
{
	for (size_t i = 0; i < size; i++)
		expect(block[i] == mark, "another block has this memory");
}

static void *take_and_give(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;
	uint8_t *blocks[KEPT] = {0};
	size_t sizes[KEPT] = {0};
	for (int round = 0; round < ROUNDS; round++) {
		const int at = rand_r(&seed) % KEPT;
		const uint8_t mark =
			(uint8_t)(1 + ((unsigned)(uintptr_t)argument * KEPT + (unsigned)at) % 255);
		if (blocks[at] != NULL) {
			check(blocks[at], sizes[at], mark);
			expect(give_block(&arena, blocks[at]), "a living block is refused");
			blocks[at] = NULL;
			continue;
		}
		bool is_zero;
		sizes[at] = (size_t)rand_r(&seed) % ((size_t)1 << rand_r(&seed) % 20);
		blocks[at] = take_block(&arena, sizes[at], &is_zero);
		expect(blocks[at] != NULL, "no block");
		use(blocks[at], sizes[at], is_zero, mark);
	}
	return NULL;
}

/* A block that was given back serves the next request of its size, and no other. */
static void expect_reuse(size_t size, size_t other)
{
	bool is_zero;
	void *block = take_block(&arena, size, &is_zero);
	expect(give_block(&arena, block), "a living block is refused");
	expect(!give_block(&arena, block), "a block is taken back twice");
	expect(take_block(&arena, other, &is_zero) != block, "a block serves another size");
	expect(take_block(&arena, size, &is_zero) == block, "a block does not serve its size");
	expect(!give_block(&arena, (uint8_t *)block + 64), "the middle of a block is taken back");
	expect(!give_block(&arena, (uint8_t *)block + 1), "an odd address is taken back");
}

/* Where blocks are used once, one that was given back serves no request, and has no content. */
static void expect_no_reuse(size_t guard)
{
	static struct arena once = {.unit = 4096, .is_accessible = true, .is_used_once = true};
	bool is_zero;
	uint8_t *blocks[100];
	expect(open_arena(&once, (size_t)1 << 32, guard), "no room");
	for (size_t i = 0; i < 100; i++) {
		blocks[i] = take_block(&once, 100 + i * 1000, &is_zero);
		expect(blocks[i] != NULL && is_zero, "no new block");
		for (size_t k = 0; k < i; k++)
			expect(blocks[k] != blocks[i], "a block is used twice");
		blocks[i][0] = 1;
		expect(give_block(&once, blocks[i]), "a living block is refused");
		expect(!give_block(&once, blocks[i]), "a block is taken back twice");
		expect(blocks[i][0] == 0, "a block keeps its content");
	}
}

int main(int argc, char **argv)
{
	const size_t guard = (size_t)1 << 30;
	int outside = 0;
	(void)argv;
	expect(open_arena(&arena, (size_t)1 << 33, guard), "no room");
	if (argc > 1)
		return *(volatile uint8_t *)(arena.first - guard / 2);
	expect(
		!is_of_arena(&arena, &outside) && !give_block(&arena, &outside), "the stack is taken back");
	pthread_t threads[THREADS];
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_and_give, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_reuse(1000, 2000);
	expect_reuse(100000, 200000);
	expect_no_reuse(guard);
	bool is_zero;
	expect(
		take_block(&arena, (size_t)1 << 34, &is_zero) == NULL, "a block is larger than the arena");
	return 0;
}
