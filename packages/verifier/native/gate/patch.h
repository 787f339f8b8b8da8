/* Puts code of the gate in front of functions of the program, or in their place.
 *
 * The gate asks for all its functions first and writes them together: apply_patches() changes
 * nothing unless each function begins with instructions that patch-*.c knows. No memory is ever
 * writable and executable at once. All of this happens before the program's own first instruction,
 * so no thread can run the code that changes. */
#ifndef SIGTOOL_PATCH_H
#define SIGTOOL_PATCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first six integer arguments of a call. A function in front of another may change them. */
struct arguments {
	void *at[6];
};
typedef void watch(struct arguments *arguments);

enum { MAX_PATCHES = 24 };

/* A change of one function. If `in_front` is not NULL, it is called before the function, with the
 * arguments of the call. Otherwise `instead` is called in the place of the function. */
struct patch {
	void *function;
	watch *in_front;
	void *instead;
};

/* Applies all patches, or none. Returns false if a function begins with unknown instructions, or if
 * there is no room near the program for the code. */
bool apply_patches(const struct patch *patches, size_t count);

/* The parts that differ by processor. */

/* The most bytes of code that one patch needs, and how far a jump reaches. */
enum { CODE_BYTES = 128 };
extern const size_t JUMP_REACH;

/* Returns where the work of a function begins. A compiler may move it behind a check of its
 * arguments, so that other functions of the program repeat the check and call the rest. */
uint8_t *find_work(uint8_t *function);

/* Returns how many bytes at the beginning of a function are whole instructions that a jump to the
 * gate may replace, or 0 if the function begins with instructions that are not known. */
size_t replaceable_bytes(const uint8_t *function);

/* Writes code that will run at `place`: it calls `in_front`, then does what the first
 * replaceable_bytes() of `function` do, and goes on behind them. */
void write_detour(uint8_t *code, const uint8_t *place, const uint8_t *function, watch *in_front);

/* Writes code that will run at `place`: it jumps to a function anywhere. */
void write_far_jump(uint8_t *code, const void *target);

/* Writes code that will run at `place` and jumps to `target`, which is within JUMP_REACH. */
void write_jump(uint8_t *code, const uint8_t *place, const uint8_t *target);

/* Returns the number of bytes that write_jump() writes. */
size_t jump_bytes(void);

#endif
