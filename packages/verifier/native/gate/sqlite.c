/* Takes from the SQLite of Node.js a function that calls any address.
 *
 * `SELECT fts3_tokenizer('name', ?)` takes the address of a table of functions from eight bytes
 * that the program binds, and a full-text table calls them. SQLite calls this documented; a program
 * that reads /proc/self/maps runs machine code with it. SQLite registers the function for each
 * database by a name in read-only memory. So that name is changed to one that no text of JavaScript
 * has, before the first database: UTF-8 has no byte 0xFF. */
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
	/* The NUL in front excludes the end of a longer text. */
	static const char NAME[] = "\0fts3_tokenizer";
	enum { NO_BYTE_OF_UTF8 = 0xff };
	size_t count = 0;
	uint8_t *place;
	while ((place = find_own_constant(NAME, sizeof NAME)) != NULL) {
		if (!change_byte(place + 1, NO_BYTE_OF_UTF8))
			break;
		count++;
	}
	/* An SQLite whose names are elsewhere is none that the gate knows. */
	if (place != NULL || count == 0)
		end_intrusion(&(struct finding){.kind = "SQLite"});
}

void prepare_sqlite(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hide_tokenizer);
}
