/* Guarantees, by seccomp and from restrict_calls() on, that the kernel refuses the system calls
 * below to this process and to a program that it becomes, whatever code runs there. It assumes that
 * the kernel is intact and that no ring of io_uring exists already, as that would go on. The
 * launcher, the addon and spython link this file. docs/launcher.md lists the same calls, and a test
 * compares the two lists.
 *
 * Numbers of newer system calls are written out, since headers may be older than the kernel; they
 * are the same on x86-64 and arm64. */
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
	/* AT_EXECVE_CHECK of Linux 6.14 asks whether a file may be executed, and executes nothing. */
	FLAG_EXECVE_CHECK = 0x10000,
};

/* The kernel refuses these whatever their arguments are. */
static const uint32_t DENIED[] = {
	/* Extended attributes and flags sign and certify files. */
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	463 /* setxattrat */,
	466 /* removexattrat */,
	469 /* file_setattr */,
	/* A ring makes nearly every call without being filtered. */
	425 /* io_uring_setup */,
	/* These reach memory, descriptors and state of other processes. */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	438 /* pidfd_getfd */,
	440 /* process_madvise */,
	SYS_kcmp,
	SYS_perf_event_open,
	/* Faults that a program handles; memory that is a file; data that is executable. */
	SYS_userfaultfd,
	SYS_memfd_create,
	447 /* memfd_secret */,
	SYS_personality,
	/* The shape of the file system decides which file a path names. */
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
	/* These change the kernel or reach its keys. */
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
	/* This row stays the last: PROGRAMS_ONLY begins here. */
	SYS_execve,
};
enum { DENIED_COUNT = sizeof DENIED / sizeof *DENIED };

/* Targets of jumps until finish_jumps() knows the distance: the last two instructions. */
enum { DENY = 254, ALLOW = 255 };

/* Loads the lower or the upper half of a field of struct seccomp_data; both architectures are
 * little-endian. Filters compare 32 bits at a time. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
/* Compares what was loaded, then skips `yes` or `no` instructions, or goes to DENY or ALLOW. */
#define TEST(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), (uint32_t)(value), yes, no)
#define IF(value, yes, no) TEST(BPF_JEQ, value, yes, no)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)

/* Returns a jump's distance from instruction `at` of `count`; one that is a distance already stays
 * the same. */
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
	/* The same number means another call to i386 and x32: the former ends the process, the latter
	 * is refused. */
	const struct sock_filter first[] = {
		LOAD(arch),
		IF(ARCHITECTURE, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		TEST(BPF_JGE, FIRST_X32_CALL, DENY, 0),
	};
	const struct sock_filter last[] = {
		/* ioctl() is refused requests that type for the shell behind the terminal. */
		IF(SYS_ioctl, 0, 3),
		LOAD(args[1]),
		IF(TIOCSTI, DENY, 0),
		IF(TIOCLINUX, DENY, ALLOW),
		/* execveat() may check a file. */
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
		/* Here jumps to DENY and ALLOW arrive. */
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
