/* The instructions of AArch64 that patch.h needs.
 *
 * A patch is one `b`, because a function may have no more than that: SetFlagsFromString() of
 * Node.js 26 is one instruction, and another function follows it. No jump into a function can meet
 * the middle of a `b`, as it could with the sixteen bytes of a jump that reaches everywhere. A `b`
 * reaches 128 MiB. The functions in engine.h lie in the first 26 MiB of the memory of Node.js 20 to
 * 26, and memory is free below it.
 *
 * A patched page loses its mark for branch target identification, which such code would need: an
 * indirect call of the function finds a `b` there. Releases of nodejs.org have no such mark. */
#if defined __aarch64__ || defined PATCH_ARM64
#include "patch.h"
#include <string.h>

const size_t JUMP_REACH = (size_t)1 << 27;

typedef uint32_t instruction;

enum {
	BYTES = sizeof(instruction),
	JUMP = 0x14000000, /* b, with a distance of 26 bits */
	DISTANCE = 0x03ffffff,
};
static const instruction LANDING = 0xd503245f; /* bti c */

/* A pattern of an instruction: bits that are compared under a mask. */
struct known {
	instruction bits;
	instruction mask;
};

/* The one instruction of a function that a detour contains must mean the same at another address.
 * Loads are left out on purpose: a function that begins with one may be a check that the compiler
 * has split from the work, and that other functions repeat (see find_work()). */
static const struct known KNOWN[] = {
	{0xd10003ff, 0xff8003ff}, /* sub sp, sp, number */
	{0xa98003e0, 0xffc003e0}, /* stp x, x, [sp, number]! */
	{0xf8000fe0, 0xffe00fe0}, /* str x, [sp, number]! */
	{0x91000000, 0xff800000}, /* add x, x, number */
	{0x52800000, 0x7f800000}, /* mov x or w, number */
	{0x2a0003e0, 0x7fe0ffe0}, /* mov between registers, x or w */
	{0xd503233f, 0xffffffff}, /* paciasp */
	{0xd503245f, 0xffffffff}, /* bti c */
	{JUMP, ~(instruction)DISTANCE},
};

size_t jump_bytes(void)
{
	return BYTES;
}

static instruction read_instruction(const uint8_t *code)
{
	instruction read;
	memcpy(&read, code, sizeof read);
	return read;
}

static uint8_t *append(uint8_t *code, instruction written)
{
	memcpy(code, &written, sizeof written);
	return code + sizeof written;
}

static bool is_jump(instruction given)
{
	return (given & ~(instruction)DISTANCE) == JUMP;
}

static const uint8_t *target_of_jump(const uint8_t *place, instruction jump)
{
	const int32_t distance = (int32_t)((jump & DISTANCE) << 6) >> 6;
	return place + (intptr_t)distance * BYTES;
}

static bool is_known(instruction given)
{
	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
		if ((given & KNOWN[i].mask) == KNOWN[i].bits)
			return true;
	}
	return false;
}

/* Looks behind a landing for indirect calls too, where a check may follow. */
size_t replaceable_bytes(const uint8_t *function)
{
	const instruction first = read_instruction(function);
	if (!is_known(first) || (first == LANDING && !is_known(read_instruction(function + BYTES))))
		return 0;
	return BYTES;
}

/* The check at the beginning of CompileUnboundInternal() in Node.js 20: nothing is compiled while
 * JavaScript is terminated. A jump to the work follows it. */
uint8_t *find_work(uint8_t *function)
{
	static const struct known CHECK[] = {
		{0xf9400000, 0xffc003e0}, /* ldr x, [x0, distance] */
		{0xf9400000, 0xffc003e0}, /* ldr x, [x0, distance] */
		{0xeb00001f, 0xffe0fc1f}, /* cmp x, x */
		{0x54000061, 0xffffffff}, /* b.ne to the jump */
		{0xd2800000, 0xffffffff}, /* mov x0, 0 */
		{0xd65f03c0, 0xffffffff}, /* ret */
		{JUMP, ~(instruction)DISTANCE},
	};
	enum { COUNT = sizeof CHECK / sizeof *CHECK };
	for (size_t i = 0; i < COUNT; i++) {
		if ((read_instruction(function + i * BYTES) & CHECK[i].mask) != CHECK[i].bits)
			return function;
	}
	const uint8_t *jump = function + (COUNT - 1) * BYTES;
	return (uint8_t *)target_of_jump(jump, read_instruction(jump));
}

void write_jump(uint8_t *code, const uint8_t *place, const uint8_t *target)
{
	append(code, JUMP | ((instruction)((target - place) / BYTES) & DISTANCE));
}

/* Puts an address into x16, which code between a call and its function may change. */
static uint8_t *append_address(uint8_t *code, const void *address)
{
	static const instruction MOVE[] = {0xd2800010, 0xf2a00010, 0xf2c00010, 0xf2e00010};
	for (int part = 0; part < 4; part++) {
		const instruction bits = (uintptr_t)address >> (16 * part) & 0xffff;
		code = append(code, MOVE[part] | bits << 5);
	}
	return code;
}

void write_far_jump(uint8_t *code, const void *target)
{
	append(append_address(code, target), 0xd61f0200 /* br x16 */);
}

/* Copies the first instruction of a function. A jump goes to the same target from its new place. */
static uint8_t *append_moved(uint8_t *code, const uint8_t *place, const uint8_t *function)
{
	const instruction first = read_instruction(function);
	if (!is_jump(first))
		return append(code, first);
	const uint8_t *target = target_of_jump(function, first);
	const size_t distance = target < place ? place - target : target - place;
	if (distance < JUMP_REACH) {
		write_jump(code, place, target);
		return code + BYTES;
	}
	write_far_jump(code, target);
	return code + 5 * BYTES;
}

/* x30 has the return address, and lies where write_detour() saves it. */
const void *caller_of(const struct arguments *arguments)
{
	const void *const *saved = (const void *const *)arguments;
	return saved[9];
}

void write_detour(uint8_t *code, const uint8_t *place, const uint8_t *function, watch *in_front)
{
	/* x8 has the address of a struct that the function returns in memory. No function in engine.h
	 * has floating-point arguments. The registers lie in memory as in struct arguments. */
	static const instruction SAVE[] = {
		0xa9bb07e0, /* stp x0, x1, [sp, -80]! */
		0xa9010fe2, /* stp x2, x3, [sp, 16] */
		0xa90217e4, /* stp x4, x5, [sp, 32] */
		0xa9031fe6, /* stp x6, x7, [sp, 48] */
		0xa9047be8, /* stp x8, x30, [sp, 64] */
		0x910003e0, /* mov x0, sp */
	};
	static const instruction RESTORE[] = {
		0xd63f0200, /* blr x16 */
		0xa9447be8, /* ldp x8, x30, [sp, 64] */
		0xa9431fe6, /* ldp x6, x7, [sp, 48] */
		0xa94217e4, /* ldp x4, x5, [sp, 32] */
		0xa9410fe2, /* ldp x2, x3, [sp, 16] */
		0xa8c507e0, /* ldp x0, x1, [sp], 80 */
	};
	uint8_t *next = code;
	for (size_t i = 0; i < sizeof SAVE / sizeof *SAVE; i++)
		next = append(next, SAVE[i]);
	next = append_address(next, (const void *)in_front);
	for (size_t i = 0; i < sizeof RESTORE / sizeof *RESTORE; i++)
		next = append(next, RESTORE[i]);
	next = append_moved(next, place + (next - code), function);
	write_jump(next, place + (next - code), function + BYTES);
}
#endif
