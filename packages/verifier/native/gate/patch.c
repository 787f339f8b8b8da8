/* Writes the patches of patch.h into the program. */
#define _GNU_SOURCE
#include "patch.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Maps memory from which a jump reaches all functions, and to which their jumps reach. Returns NULL
 * if all of the address space near them is taken. */
static uint8_t *map_near(const struct patch *patches, size_t count, size_t length)
{
	enum { STEP = 1 << 20 };
	uintptr_t lowest = UINTPTR_MAX;
	uintptr_t highest = 0;
	for (size_t i = 0; i < count; i++) {
		const uintptr_t function = (uintptr_t)patches[i].function;
		lowest = function < lowest ? function : lowest;
		highest = function > highest ? function : highest;
	}
	const uintptr_t below = lowest & ~((uintptr_t)STEP - 1);
	const uintptr_t above = highest & ~((uintptr_t)STEP - 1);
	/* From `distance` below the lowest, or above the highest, to the other end. */
	const uintptr_t more = highest - lowest + length + STEP;
	for (uintptr_t distance = STEP; distance + more < JUMP_REACH; distance += STEP) {
		const uintptr_t tried[] = {
			below > distance ? below - distance : 0,
			above + distance,
		};
		for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
			if (tried[i] == 0)
				continue;
			uint8_t *memory = mmap((void *)tried[i], length, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			if (memory == (uint8_t *)tried[i])
				return memory;
			if (memory != MAP_FAILED)
				munmap(memory, length); /* Linux before 4.17 takes the address as a hint. */
		}
	}
	return NULL;
}

/* Replaces the first bytes of a function by a jump. */
static bool redirect(uint8_t *function, const uint8_t *target)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	const uintptr_t first = (uintptr_t)function & ~(page - 1);
	const uintptr_t end = (uintptr_t)function + jump_bytes();
	const size_t length = end - first;
	if (mprotect((void *)first, length, PROT_READ | PROT_WRITE) != 0)
		return false;
	write_jump(function, function, target);
	__builtin___clear_cache((char *)function, (char *)end);
	return mprotect((void *)first, length, PROT_READ | PROT_EXEC) == 0;
}

static bool are_all_known(const struct patch *patches, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (patches[i].in_front != NULL && replaceable_bytes(patches[i].function) == 0)
			return false;
	}
	return true;
}

bool apply_patches(const struct patch *patches, size_t count)
{
	const size_t length = count * CODE_BYTES;
	if (count == 0 || !are_all_known(patches, count))
		return false;
	uint8_t *code = map_near(patches, count, length);
	if (code == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		uint8_t *place = code + i * CODE_BYTES;
		if (patches[i].in_front != NULL)
			write_detour(place, place, patches[i].function, patches[i].in_front);
		else
			write_far_jump(place, patches[i].instead);
	}
	__builtin___clear_cache((char *)code, (char *)code + length);
	if (mprotect(code, length, PROT_READ | PROT_EXEC) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!redirect(patches[i].function, code + i * CODE_BYTES))
			return false;
	}
	return true;
}
