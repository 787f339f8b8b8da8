/* Guarantees that each jump of a rule stays within the rule, and that a filter without room for all
 * its instructions is not installed. */
#define _GNU_SOURCE
#include "call-filter.h"
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 };
#else
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#endif

#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)

/* The instructions at the end of each rule, in the order of the labels. */
static const struct sock_filter ENDS[] = {
	ANSWER(SECCOMP_RET_ERRNO | EACCES),
	ANSWER(SECCOMP_RET_ERRNO | EPERM),
	ANSWER(SECCOMP_RET_ERRNO | 0),
	ANSWER(SECCOMP_RET_ALLOW),
};
enum { END_COUNT = sizeof ENDS / sizeof *ENDS };

static void add(struct filter *filter, struct sock_filter instruction)
{
	if (filter->count < MAX_INSTRUCTIONS)
		filter->code[filter->count] = instruction;
	filter->count++;
}

void begin_filter(struct filter *filter)
{
	enum { FIRST_X32_CALL = 0x40000000 };
	filter->count = 0;
	add(filter, (struct sock_filter)LOAD(arch));
	add(filter, (struct sock_filter)IF(ARCHITECTURE, 1, 0));
	add(filter, (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS));
	/* Every rule needs the number of the system call. The number stays loaded until a rule matches,
	 * so no rule has to load it. */
	add(filter, (struct sock_filter)LOAD(nr));
	add(filter, (struct sock_filter)TEST(BPF_JGE, FIRST_X32_CALL, 0, 1));
	add(filter, (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | EPERM));
}

void answer_call(struct filter *filter, uint32_t call, uint32_t action)
{
	add(filter, (struct sock_filter)IF(call, 0, 1));
	add(filter, (struct sock_filter)ANSWER(action));
}

void answer_others(struct filter *filter, uint32_t action)
{
	add(filter, (struct sock_filter)ANSWER(action));
}

/* Converts the target of a jump. Returns how many instructions the kernel skips to reach the
 * target, counted from instruction `at` of a rule. If `target` is no label, it is already this
 * number. */
static uint8_t distance(uint8_t target, size_t at, size_t count)
{
	if (target < NO_ACCESS)
		return target;
	return (uint8_t)(count + target - NO_ACCESS - at - 1);
}

void add_rule(struct filter *filter, uint32_t call, const struct sock_filter *rule, size_t count)
{
	add(filter, (struct sock_filter)IF(call, 0, (uint8_t)(count + END_COUNT)));
	for (size_t i = 0; i < count; i++) {
		struct sock_filter instruction = rule[i];
		if (BPF_CLASS(instruction.code) == BPF_JMP) {
			instruction.jt = distance(instruction.jt, i, count);
			instruction.jf = distance(instruction.jf, i, count);
		}
		add(filter, instruction);
	}
	for (size_t i = 0; i < END_COUNT; i++)
		add(filter, ENDS[i]);
}

int install_filter(struct filter *filter, unsigned flags)
{
	add(filter, (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW));
	if (filter->count > MAX_INSTRUCTIONS) {
		errno = E2BIG;
		return -1;
	}
	const struct sock_fprog program = {(unsigned short)filter->count, filter->code};
	int result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (result == 0)
		result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	explicit_bzero(filter, sizeof *filter);
	return result;
}
