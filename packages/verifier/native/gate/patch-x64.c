/* The instructions of x86-64 that patch.h needs.
 *
 * A detour contains copies of the first instructions of a function. So each must mean the same at
 * another address, or be a call or jump whose distance can be changed. Only instructions that
 * compilers put at the beginning of the functions in engine.c are known. */
#ifdef __x86_64__
#include "patch.h"
#include <string.h>

const size_t JUMP_REACH = (size_t)1 << 30;

enum {
	CALL = 0xe8,
	JUMP = 0xe9,
	NEAR_BYTES = 5, /* CALL or JUMP, and a distance of four bytes */
};

size_t jump_bytes(void)
{
	return NEAR_BYTES;
}

/* A pattern of an instruction: bytes that are compared under a mask, and the whole length. */
static const struct known {
	uint8_t length;
	uint8_t compared;
	uint8_t bytes[4];
	uint8_t mask[4];
} KNOWN[] = {
	{4, 4, {0xf3, 0x0f, 0x1e, 0xfa}, {0xff, 0xff, 0xff, 0xff}}, /* endbr64 */
	{1, 1, {0x50}, {0xf0}}, /* push, pop of the first eight registers */
	{2, 2, {0x41, 0x50}, {0xff, 0xf0}}, /* push, pop of the other eight */
	{2, 2, {0x31, 0xc0}, {0xff, 0xc0}}, /* xor between registers, 32 bits */
	{2, 2, {0x89, 0xc0}, {0xff, 0xc0}}, /* mov between registers, 32 bits */
	{5, 1, {0xb8}, {0xf8}}, /* mov of four bytes to one of the first eight registers */
	{3, 3, {0x40, 0x31, 0xc0}, {0xf0, 0xff, 0xc0}}, /* xor with a prefix */
	{3, 3, {0x40, 0x89, 0xc0}, {0xf0, 0xff, 0xc0}}, /* mov with a prefix */
	{3, 3, {0x0f, 0xb6, 0xc0}, {0xff, 0xff, 0xc0}}, /* movzx between registers */
	{4, 3, {0x48, 0x83, 0xec}, {0xff, 0xff, 0xff}}, /* sub rsp, a byte */
	{7, 3, {0x48, 0x81, 0xec}, {0xff, 0xff, 0xff}}, /* sub rsp, four bytes */
	{7, 3, {0x48, 0x89, 0xb7}, {0xff, 0xff, 0xff}}, /* mov [rdi + distance], rsi */
	{3, 3, {0x48, 0x8b, 0x07}, {0xff, 0xff, 0xff}}, /* mov rax, [rdi] */
	{10, 2, {0x48, 0xb8}, {0xff, 0xff}}, /* mov rax, eight bytes */
	{NEAR_BYTES, 1, {CALL}, {0xff}},
	{NEAR_BYTES, 1, {JUMP}, {0xff}},
};

/* Returns the length of the instruction, or 0 if it is not known. */
static size_t known_length(const uint8_t *instruction)
{
	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
		const struct known *known = &KNOWN[i];
		size_t same = 0;
		while (
			same < known->compared && (instruction[same] & known->mask[same]) == known->bytes[same])
			same++;
		if (same == known->compared)
			return known->length;
	}
	return 0;
}

size_t replaceable_bytes(const uint8_t *function)
{
	size_t bytes = 0;
	while (bytes < NEAR_BYTES) {
		const size_t length = known_length(function + bytes);
		if (length == 0)
			return 0;
		/* Nothing behind a jump belongs to the function. */
		if (function[bytes] == JUMP && bytes + length < NEAR_BYTES)
			return 0;
		bytes += length;
	}
	return bytes;
}

/* Looks for the check that begins CompileUnboundInternal() in Node.js 20, which compiles nothing
 * while JavaScript is being terminated. A jump to the work follows the check. */
uint8_t *find_work(uint8_t *function)
{
	static const uint8_t CHECK[] = {
		0x48,
		0x8b,
		0x87,
		0,
		0,
		0,
		0, /* mov rax, [rdi + distance] */
		0x48,
		0x39,
		0x87,
		0,
		0,
		0,
		0, /* cmp [rdi + distance], rax */
		0x75,
		0x08, /* jne to the jump */
		0x31,
		0xc0, /* xor eax, eax */
		0xc3, /* ret */
		0x0f,
		0x1f,
		0x44,
		0x00,
		0x00, /* nop */
		JUMP,
	};
	int32_t distance;
	for (size_t i = 0; i < sizeof CHECK; i++) {
		const bool is_distance = (i >= 3 && i < 7) || (i >= 10 && i < 14);
		if (!is_distance && function[i] != CHECK[i])
			return function;
	}
	memcpy(&distance, function + sizeof CHECK, sizeof distance);
	return function + sizeof CHECK + sizeof distance + distance;
}

static uint8_t *append(uint8_t *code, const void *bytes, size_t count)
{
	memcpy(code, bytes, count);
	return code + count;
}

void write_jump(uint8_t *code, const uint8_t *place, const uint8_t *target)
{
	const int32_t distance = (int32_t)(target - (place + NEAR_BYTES));
	code[0] = JUMP;
	memcpy(code + 1, &distance, sizeof distance);
}

void write_far_jump(uint8_t *code, const void *target)
{
	static const uint8_t JUMP_TO_NEXT[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp [rip] */
	code = append(code, JUMP_TO_NEXT, sizeof JUMP_TO_NEXT);
	append(code, &target, sizeof target);
}

/* Copies instructions. A call or jump gets the distance from its new place. */
static uint8_t *append_moved(
	uint8_t *code, const uint8_t *begin, const uint8_t *place, const uint8_t *from, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		const size_t length = known_length(from + at);
		uint8_t *copy = code;
		code = append(code, from + at, length);
		if (from[at] == CALL || from[at] == JUMP) {
			int32_t distance;
			memcpy(&distance, from + at + 1, sizeof distance);
			const uint8_t *target = from + at + NEAR_BYTES + distance;
			const uint8_t *next = place + (copy - begin) + NEAR_BYTES;
			distance = (int32_t)(target - next);
			memcpy(copy + 1, &distance, sizeof distance);
		}
		at += length;
	}
	return code;
}

/* The smallest type that may have internal fields, but for one, which is JS_SPECIAL_API_OBJECT_TYPE
 * of V8. They are the same in Node.js 20 to 26 (v8-internal.h). */
enum { FIRST_TYPE = 0x421, SPECIAL_TYPE = 0x410 };

/* Goes past an instruction with one of eight registers and this number. `eax` is its first byte if
 * the register is eax, and `other` is the second byte for the first register otherwise. Returns
 * NULL if there is another instruction. */
static const uint8_t *past_number(const uint8_t *code, uint8_t eax, uint8_t other, int32_t number)
{
	if (*code == 0x81 && (code[1] & 0xf8) == other)
		code += 2;
	else if (*code == eax)
		code += 1;
	else
		return NULL;
	return memcmp(code, &number, sizeof number) == 0 ? code + sizeof number : NULL;
}

/* gcc copies the type, and then subtracts FIRST_TYPE from the one. */
static bool is_check_of_gcc(const uint8_t *code)
{
	const uint8_t *copy = *code == 0x41 ? code + 1 : code; /* mov to one of the other registers */
	return copy[0] == 0x89 && copy[1] >= 0xc0 &&
		past_number(copy + 2, 0x2d, 0xe8, FIRST_TYPE) != NULL;
}

/* clang compares the type with SPECIAL_TYPE, notes the result (setne), and then adds -FIRST_TYPE.
 */
static bool is_check_of_clang(const uint8_t *code)
{
	const uint8_t *note = past_number(code, 0x3d, 0xf8, SPECIAL_TYPE);
	if (note == NULL)
		return false;
	note += (*note & 0xf0) == 0x40; /* a prefix */
	return note[0] == 0x0f && note[1] == 0x95 &&
		past_number(note + 3, 0x05, 0xc0, -FIRST_TYPE) != NULL;
}

/* The load is `movzx register, word [map + 11]`, where the lowest bit of `map` is set. */
uint8_t *find_type_check(uint8_t *code, const uint8_t *end)
{
	enum { SECOND = 0xb7, LOAD_BYTES = 4, MOST_BYTES = 32 };
	const uint8_t *last = end - MOST_BYTES;
	for (uint8_t *next = code + 1; next < last; next++) {
		next = memchr(next, SECOND, (size_t)(last - next));
		if (next == NULL)
			return NULL;
		uint8_t *load = next - 1;
		const uint8_t *behind = load + LOAD_BYTES;
		if (load[0] == 0x0f && (load[2] & 0xc0) == 0x40 && load[3] == 11 &&
			(is_check_of_gcc(behind) || is_check_of_clang(behind)))
			return load;
	}
	return NULL;
}

void write_no_type(uint8_t *code)
{
	const uint8_t loaded = code[2] >> 3 & 7;
	code[0] = 0x31; /* xor of the register with itself, and a nop of two bytes */
	code[1] = (uint8_t)(0xc0 | loaded << 3 | loaded);
	code[2] = 0x66;
	code[3] = 0x90;
}

/* rax and the return address follow the arguments, as write_detour() saves them. */
const void *caller_of(const struct arguments *arguments)
{
	const void *const *saved = (const void *const *)arguments;
	return saved[7];
}

void write_detour(uint8_t *code, const uint8_t *place, const uint8_t *function, watch *in_front)
{
	/* Saves the six arguments, which then lie in memory as in struct arguments, and rax, which has
	 * the number of vector registers in a call with variable arguments. Seven registers also align
	 * the stack to 16 bytes. */
	static const uint8_t SAVE[] = {
		0x50, /* push rax */
		0x41, 0x51, /* push r9 */
		0x41, 0x50, /* push r8 */
		0x51, /* push rcx */
		0x52, /* push rdx */
		0x56, /* push rsi */
		0x57, /* push rdi */
		0x48, 0x89, 0xe7, /* mov rdi, rsp */
		0x48, 0xb8, /* mov rax, the eight bytes that follow */
	};
	static const uint8_t RESTORE[] = {
		0xff, 0xd0, /* call rax */
		0x5f, /* pop rdi */
		0x5e, /* pop rsi */
		0x5a, /* pop rdx */
		0x59, /* pop rcx */
		0x41, 0x58, /* pop r8 */
		0x41, 0x59, /* pop r9 */
		0x58, /* pop rax */
	};
	const size_t moved = replaceable_bytes(function);
	uint8_t *next = append(code, SAVE, sizeof SAVE);
	next = append(next, &in_front, sizeof in_front);
	next = append(next, RESTORE, sizeof RESTORE);
	next = append_moved(next, code, place, function, moved);
	write_jump(next, place + (next - code), function + moved);
}
#endif
