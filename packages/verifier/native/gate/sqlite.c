/* Takes away a function of the SQLite in Node.js by which SQL calls any address.
 *
 * `SELECT fts3_tokenizer('name', ?)` takes the address of a table of functions from eight bytes
 * that the program binds, and a full-text table calls these functions. SQLite documents this. With
 * the addresses in /proc/self/maps, a program runs machine code of its choice by it. SQLite
 * registers the function for each database, by a name that lies in read-only memory. Before the
 * first database is opened, the gate changes this name to one with the byte 0xFF. UTF-8 never has
 * this byte, so no text of JavaScript is that name. */
#define _GNU_SOURCE
#include "gate.h"
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool change_byte(uint8_t *place, uint8_t value)
{
	const size_t page = (size_t)getpagesize();
	uint8_t *first = place - (uintptr_t)place % page;
	if (mprotect(first, page, PROT_READ | PROT_WRITE) != 0)
		return false;
	*place = value;
	return mprotect(first, page, PROT_READ) == 0;
}

static void hide_tokenizer(void)
{
	/* The NUL in front keeps the search from finding the end of a longer text. */
	static const char NAME[] = "\0fts3_tokenizer";
	enum { NO_BYTE_OF_UTF8 = 0xff };
	size_t count = 0;
	uint8_t *place;
	while ((place = find_own_constant(NAME, sizeof NAME)) != NULL) {
		if (!change_byte(place + 1, NO_BYTE_OF_UTF8))
			break;
		count++;
	}
	/* The name was not found, or not changed, so the function would still be there. */
	if (place != NULL || count == 0)
		end_intrusion(&(struct finding){.kind = "SQLite"});
}

void prepare_sqlite(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hide_tokenizer);
}
