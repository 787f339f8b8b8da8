/* Calls functions that have patches. patches.test.ts builds and runs this program, for arm64 under
 * qemu-aarch64. Prints a line for each function, which says what went wrong, or `ok`.
 *
 * Each function begins with another instruction that patch-*.c knows, and then goes on with
 * record(), which gets the same arguments. */
#define _GNU_SOURCE
#include "patch.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* This is returned in memory, whose address is a hidden argument. */
struct recorded {
	long of[10];
};
typedef struct recorded recorder(long, long, long, long, long, long, long, long, long, long);

struct pair {
	long first;
	void *second;
};

__attribute__((used)) struct recorded record(
	long a, long b, long c, long d, long e, long f, long g, long h, long i, long j)
{
	return (struct recorded){{a, b, c, d, e, f, g, h, i, j}};
}

/* The functions lie in pages of their own, because a page cannot run while a patch is written to
 * it. The section ends like it begins, so these statements must not change their order. */
#define OWN_PAGES ".pushsection patched, \"ax\"\n"
#define OWN_CODE(name, ...)                                                                        \
	__asm__(OWN_PAGES ".globl " #name "\n" #name ":\n" __VA_ARGS__ ".popsection\n");
#define FUNCTION(name, ...)                                                                        \
	struct recorded name(long, long, long, long, long, long, long, long, long, long);              \
	OWN_CODE(name, __VA_ARGS__)
__asm__(OWN_PAGES ".balign 65536\n.popsection\n");

#ifdef __x86_64__
enum { HIDDEN = 1 }; /* the address of the result is the first argument */
#define TO_RECORD ".byte 0xe9\n.long record - . - 4\n"
OWN_CODE(nothing, "ret\n")
FUNCTION(begins_push, "push %rbp\nmov %rsp, %rbp\npush %rbx\npop %rbx\npop %rbp\n" TO_RECORD)
FUNCTION(
	begins_push_far, "push %r12\npush %r13\npush %rbx\npop %rbx\npop %r13\npop %r12\n" TO_RECORD)
FUNCTION(begins_sub, "sub $8, %rsp\npush %rbx\npop %rbx\nadd $8, %rsp\n" TO_RECORD)
FUNCTION(begins_sub_far, "sub $0x108, %rsp\nadd $0x108, %rsp\n" TO_RECORD)
FUNCTION(begins_mov, "xor %eax, %eax\nmov %edi, %eax\nmovzbl %al, %eax\n" TO_RECORD)
FUNCTION(begins_call, "sub $8, %rsp\ncall nothing\nadd $8, %rsp\n" TO_RECORD)
FUNCTION(begins_jump, TO_RECORD)
FUNCTION(begins_unknown, "nop\nnop\nnop\nnop\nnop\n" TO_RECORD)
void store(void *object, long value);
OWN_CODE(store, "mov %rsi, 0x100(%rdi)\nret\n")
struct pair return_pair(long first, void *second);
OWN_CODE(return_pair, "mov %rdi, %rax\nmov %rsi, %rdx\nret\n")
#else
enum { HIDDEN = 0 }; /* the address of the result is in x8 */
#define TO_RECORD "b record\n"
FUNCTION(begins_sub, "sub sp, sp, 16\nadd sp, sp, 16\n" TO_RECORD)
FUNCTION(begins_sub_far, "sub sp, sp, 4096\nadd sp, sp, 4096\n" TO_RECORD)
FUNCTION(begins_stp, "stp x29, x30, [sp, -16]!\nldp x29, x30, [sp], 16\n" TO_RECORD)
FUNCTION(begins_str, "str x30, [sp, -32]!\nldr x30, [sp], 32\n" TO_RECORD)
FUNCTION(begins_add, "add x0, x0, 0x8, lsl 12\nsub x0, x0, 0x8, lsl 12\n" TO_RECORD)
FUNCTION(begins_number, "mov w9, 5\n" TO_RECORD)
FUNCTION(begins_mov, "mov x9, x0\nmov x0, x9\n" TO_RECORD)
FUNCTION(begins_paciasp, "hint 25\nhint 29\n" TO_RECORD)
FUNCTION(begins_bti, "hint 34\nstp x29, x30, [sp, -16]!\nldp x29, x30, [sp], 16\n" TO_RECORD)
FUNCTION(begins_jump, TO_RECORD)
FUNCTION(begins_unknown, "ldr x9, [sp]\n" TO_RECORD)
FUNCTION(begins_bti_unknown, "hint 34\nldr x9, [sp]\n" TO_RECORD)
void store(void *object, long value);
OWN_CODE(store, "mov w8, 0x100\nstr x1, [x0, x8]\nret\n")
struct pair return_pair(long first, void *second);
OWN_CODE(return_pair, "mov x0, x0\nret\n")
#endif
FUNCTION(replaced, TO_RECORD)
__asm__(OWN_PAGES ".balign 65536\n.popsection\n");

static size_t watched;
static bool is_aligned;
static struct arguments seen;

/* Changes the second argument. */
static void change(struct arguments *arguments)
{
	watched++;
	is_aligned = (uintptr_t)__builtin_frame_address(0) % 16 == 0;
	seen = *arguments;
	arguments->at[HIDDEN + 1] = (void *)77;
	/* A real function in front calls others, which change all registers that they may. */
	char text[64];
	snprintf(text, sizeof text, "%f %zu", (double)watched, watched);
}

static void change_pair(struct arguments *arguments)
{
	watched++;
	arguments->at[1] = (void *)77;
}

static long refuse(void)
{
	watched++;
	return 5;
}

static void report(const char *name, const char *problem)
{
	printf("%s: %s\n", name, problem == NULL ? "ok" : problem);
}

static bool put_in_front(void *function, watch *in_front)
{
	return apply_patches(&(struct patch){function, in_front, NULL}, 1);
}

static const char *problem_of(recorder *function, bool is_patched)
{
	watched = 0;
	const struct recorded got = function(11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
	for (long i = 0; i < 10; i++) {
		if (got.of[i] != (is_patched && i == 1 ? 77 : 11 + i))
			return "an argument is lost";
	}
	if (watched != is_patched)
		return "the function in front was not called once";
	for (long i = 0; is_patched && i < 6 - HIDDEN; i++) {
		if (seen.at[HIDDEN + i] != (void *)(11 + i))
			return "the function in front saw other arguments";
	}
	return is_patched && !is_aligned ? "the stack is not aligned" : NULL;
}

static void try(const char *name, recorder *function)
{
	const char *problem = problem_of(function, false);
	if (problem == NULL && !put_in_front((void *)function, change))
		problem = "its beginning is unknown";
	report(name, problem != NULL ? problem : problem_of(function, true));
}

static void try_unknown(const char *name, recorder *function)
{
	report(
		name, put_in_front((void *)function, change) ? "is patched" : problem_of(function, false));
}

/* A jump reaches its target from the function, but not from the detour below it. */
static void try_far_target(void)
{
#ifdef __aarch64__
	static const uint32_t RETURN[] = {0xd2800540, 0xd65f03c0}; /* mov x0, 42; ret */
	const size_t apart = JUMP_REACH - 4096;
	uint8_t *function = mmap(NULL, JUMP_REACH + 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *target = function + apart;
	write_jump(function, function, target);
	memcpy(target, RETURN, sizeof RETURN);
	__builtin___clear_cache((char *)function, (char *)function + 4);
	__builtin___clear_cache((char *)target, (char *)target + sizeof RETURN);
	long (*called)(void) = (long (*)(void))(void *)function;
	const char *problem = NULL;
	watched = 0;
	if (!put_in_front(function, change))
		problem = "its beginning is unknown";
	else if (called() != 42 || watched != 1)
		problem = "the jump goes elsewhere";
	report("far target", problem);
#endif
}

#define TRY(function) try(#function, function)

int main(void)
{
#ifdef __x86_64__
	TRY(begins_push);
	TRY(begins_push_far);
	TRY(begins_call);
#else
	TRY(begins_stp);
	TRY(begins_str);
	TRY(begins_add);
	TRY(begins_number);
	TRY(begins_paciasp);
	TRY(begins_bti);
	try_unknown("begins_bti_unknown", begins_bti_unknown);
#endif
	TRY(begins_sub);
	TRY(begins_sub_far);
	TRY(begins_mov);
	TRY(begins_jump);
	try_unknown("begins_unknown", begins_unknown);
	try_far_target();

	long object[64] = {0};
	bool is_patched = put_in_front((void *)store, change_pair);
	store(object, 5);
	report("store", is_patched && object[32] == 77 ? NULL : "stores something else");

	is_patched = put_in_front((void *)return_pair, change_pair);
	const struct pair pair = return_pair(3, object);
	report("return_pair",
		is_patched && pair.first == 3 && pair.second == (void *)77 ? NULL : "is lost");

	watched = 0;
	is_patched = apply_patches(&(struct patch){(void *)replaced, NULL, (void *)refuse}, 1);
	void *address = (void *)replaced;
	const long answer = ((long (*)(void))address)();
	report("instead", is_patched && answer == 5 && watched == 1 ? NULL : "is not called");
	return 0;
}
