/* Builds a filter of system calls for seccomp. A filter is a program in the kernel's BPF, which
 * gets the number, the architecture and the arguments of each call. A rule decides about one system
 * call. It is a list of the instructions below, and each path through it ends with a jump to a
 * label.
 *
 * Addresses and other values of 64 bits are compared in two halves, because an instruction compares
 * 32 bits. x86-64 and arm64 are both little-endian, so the lower half comes first in memory. */
#ifndef SIGTOOL_CALL_FILTER_H
#define SIGTOOL_CALL_FILTER_H
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* A jump of a rule can lead to one of these labels. A smaller target of a jump is a number of
 * instructions to skip. */
enum label {
	/* The call fails with EACCES. */
	NO_ACCESS = 252,
	/* The call fails with EPERM. */
	DENY = 253,
	/* The call has no effect, but the caller gets the result of a call that succeeded. */
	IGNORE = 254,
	ALLOW = 255,
};

/* Loads the lower or the upper half of a field of struct seccomp_data. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
/* Keeps only these bits of the loaded value. */
#define MASK(bits) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(bits))
/* Compares the loaded value, then jumps to `yes` or `no`. */
#define TEST(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), (uint32_t)(value), yes, no)
#define IF(value, yes, no) TEST(BPF_JEQ, value, yes, no)
#define IF_ANY_BIT(bits, yes, no) TEST(BPF_JSET, bits, yes, no)
/* Keeps the loaded value, and compares the next one with it. */
#define KEEP BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define IF_KEPT(yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, yes, no)
/* Goes on with the rule if both halves of a field are those of `value`. Otherwise jumps to
 * `label`. */
#define REQUIRE(field, value, label)                                                               \
	LOAD(field), IF(value, 0, label), LOAD_HIGH(field), IF((uint64_t)(value) >> 32, 0, label)
#define JUMP(label) IF(0, label, label)

/* Describes a filter that is being built. MAX_INSTRUCTIONS is an eighth of the number that the
 * kernel allows. */
enum { MAX_INSTRUCTIONS = BPF_MAXINSNS / 8 };
struct filter {
	/* The number of instructions that were added. Only the first MAX_INSTRUCTIONS of them are
	 * kept. */
	size_t count;
	struct sock_filter code[MAX_INSTRUCTIONS];
};

/* Begins a filter. A call of a 32-bit ABI such as i386 kills the process, and a call of x32 fails
 * with EPERM. The rules do not fit these ABIs, in which system calls have other numbers. */
void begin_filter(struct filter *filter);

/* Makes the kernel answer a system call with `action`, whatever its arguments are. */
void answer_call(struct filter *filter, uint32_t call, uint32_t action);

/* Makes the kernel answer all system calls for which there is no rule yet with `action`. */
void answer_others(struct filter *filter, uint32_t action);

/* Makes a rule of `count` instructions decide about a system call. */
void add_rule(struct filter *filter, uint32_t call, const struct sock_filter *rule, size_t count);

/* Adds a rule whose instructions are written in place. */
#define RULE(filter, call, ...)                                                                    \
	do {                                                                                           \
		const struct sock_filter rule_[] = {__VA_ARGS__};                                          \
		add_rule(filter, call, rule_, sizeof rule_ / sizeof *rule_);                               \
	} while (0)

/* Ends a filter, and installs it. Every call that has no rule is allowed, unless answer_others()
 * says otherwise. Sets no_new_privs. `flags` are those of seccomp(2). Returns what seccomp()
 * returns, or -1 with errno. Afterwards the memory of the filter is erased, because rules may
 * contain a secret. The memory is not erased if the filter is too long to be installed. */
int install_filter(struct filter *filter, unsigned flags);

#endif
