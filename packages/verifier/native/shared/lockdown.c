/* Guarantees by seccomp that after restrict_calls() the kernel refuses the system calls below to
 * this process and to every program that it executes. It assumes that the kernel is intact, and
 * that the process has no io_uring ring yet, because such a ring would keep working. The launcher,
 * the addon and spython link this file. docs/launcher.md lists the same calls, and a test compares
 * the two lists.
 *
 * Newer system calls are written as numbers, because headers may be older than the kernel. Their
 * numbers are the same on x86-64 and arm64. */
#define _GNU_SOURCE
#include "lockdown.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 };
#else
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#endif

enum {
	FIRST_X32_CALL = 0x40000000,
	/* AT_EXECVE_CHECK of Linux 6.14 only asks if a file may be executed. */
	FLAG_EXECVE_CHECK = 0x10000,
};

/* The kernel refuses these system calls with any arguments. */
static const uint32_t DENIED[] = {
	/* These set extended attributes and flags, which can make the kernel trust a file. */
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	463 /* setxattrat */,
	466 /* removexattrat */,
	469 /* file_setattr */,
	/* Through an io_uring ring a program makes nearly every system call past the filter. */
	425 /* io_uring_setup */,
	/* These reach memory, descriptors and state of other processes. */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	438 /* pidfd_getfd */,
	440 /* process_madvise */,
	SYS_kcmp,
	SYS_perf_event_open,
	/* These let a program handle page faults, use memory as a file, or make data executable. */
	SYS_userfaultfd,
	SYS_memfd_create,
	447 /* memfd_secret */,
	SYS_personality,
	/* These change or bypass the paths of files, or make the kernel itself use a file. */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	428 /* open_tree */,
	429 /* move_mount */,
	430 /* fsopen */,
	431 /* fsconfig */,
	432 /* fsmount */,
	433 /* fspick */,
	442 /* mount_setattr */,
	467 /* open_tree_attr */,
	SYS_open_by_handle_at,
	SYS_swapon,
	SYS_swapoff,
	SYS_quotactl,
	SYS_acct,
	/* These change or restart the kernel, or reach its keys. */
	SYS_bpf,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_reboot,
#ifdef __x86_64__
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
#endif
	/* This row must be the last, because PROGRAMS_ONLY refuses only the last row. */
	SYS_execve,
};
enum { DENIED_COUNT = sizeof DENIED / sizeof *DENIED };

/* Placeholders for jumps to the last two instructions. finish_jumps() replaces them by
 * distances. */
enum { DENY = 254, ALLOW = 255 };

/* Loads the lower or the upper half of a field of struct seccomp_data, because filters compare 32
 * bits at a time. Both architectures are little-endian. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
/* Compares the loaded value, then skips `yes` or `no` instructions, or jumps to DENY or ALLOW. */
#define TEST(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), (uint32_t)(value), yes, no)
#define IF(value, yes, no) TEST(BPF_JEQ, value, yes, no)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)

/* Returns the distance of a jump from instruction `at` of `count`. A `target` that is already a
 * distance is returned unchanged. */
static uint8_t distance(uint8_t target, int at, int count)
{
	const int deny = count - 2;
	const int allow = count - 1;
	if (target == DENY)
		return (uint8_t)(deny - at - 1);
	if (target == ALLOW)
		return (uint8_t)(allow - at - 1);
	return target;
}

static void finish_jumps(struct sock_filter *code, int count)
{
	for (int i = 0; i < count; i++) {
		code[i].jt = distance(code[i].jt, i, count);
		code[i].jf = distance(code[i].jf, i, count);
	}
}

int restrict_calls(int program, const char *path, char *const *arguments, int how)
{
	const uint64_t p = (uintptr_t)path;
	const uint64_t a = (uintptr_t)arguments;
	/* In the ABIs i386 and x32 a number means another system call. A call of i386 kills the
	 * process, and a call of x32 is refused. */
	const struct sock_filter first[] = {
		LOAD(arch),
		IF(ARCHITECTURE, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		TEST(BPF_JGE, FIRST_X32_CALL, DENY, 0),
	};
	const struct sock_filter last[] = {
		/* These ioctl() requests put text into a terminal's input, where a shell would execute
		 * it. */
		IF(SYS_ioctl, 0, 3),
		LOAD(args[1]),
		IF(TIOCSTI, DENY, 0),
		IF(TIOCLINUX, DENY, ALLOW),
		/* execveat() with AT_EXECVE_CHECK is allowed, because it executes nothing. */
		IF(SYS_execveat, 0, ALLOW),
		LOAD(args[4]),
		TEST(BPF_JSET, FLAG_EXECVE_CHECK, ALLOW, 0),
		/* The only allowed execution is recognised by its descriptor and by the addresses of
		 * path and argv. */
		LOAD(args[0]),
		IF(program, 0, DENY),
		LOAD(args[1]),
		IF(p, 0, DENY),
		LOAD_HIGH(args[1]),
		IF(p >> 32, 0, DENY),
		LOAD(args[2]),
		IF(a, 0, DENY),
		LOAD_HIGH(args[2]),
		IF(a >> 32, ALLOW, DENY),
		/* These two instructions are the targets DENY and ALLOW. */
		ANSWER(SECCOMP_RET_ERRNO | EPERM),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	enum {
		FIRST = sizeof first / sizeof *first,
		LAST = sizeof last / sizeof *last,
		ALL = FIRST + DENIED_COUNT + LAST,
	};
	_Static_assert((int)ALL < (int)DENY, "a jump's distance has eight bits");

	struct sock_filter code[ALL];
	memcpy(code, first, sizeof first);
	int count = FIRST;
	const size_t from = how & PROGRAMS_ONLY ? DENIED_COUNT - 1 : 0;
	for (size_t i = from; i < DENIED_COUNT; i++) {
		code[count] = (struct sock_filter)IF(DENIED[i], DENY, 0);
		count++;
	}
	memcpy(code + count, last, sizeof last);
	count += LAST;
	finish_jumps(code, count);

	const struct sock_fprog filter = {(unsigned short)count, code};
	const int no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (no_new_privileges != 0)
		return -1;
	const unsigned flags = how & ALL_THREADS ? SECCOMP_FILTER_FLAG_TSYNC : 0;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}
