/* Texts that the gate itself has read, digested and found in the index. They stay in memory that
 * nobody can write to, until the process ends. */
#ifndef SIGTOOL_VERIFIED_TEXTS_H
#define SIGTOOL_VERIFIED_TEXTS_H
#include "engine.h"

struct verified_text {
	struct characters characters;
	size_t size; /* of the file, in bytes */
	uint8_t digest[SHA256_BYTES];
};

/* Reserves the memory of the texts. Must be called before the program begins: libc gives memory
 * back to the kernel, and Node.js may still have pointers to it. */
void reserve_room(void);

/* Returns the verified text that V8 reads for this string, and will always read for it. Returns
 * NULL for any other string, also for one with the same characters elsewhere. */
const struct verified_text *verified_text_of(const void *string);

#endif
