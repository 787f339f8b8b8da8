/* Guarantees by seccomp that after restrict_calls() the kernel refuses the system calls below to
 * the filtered threads, to the threads that they start, and to every program that they execute.
 * This file assumes that the kernel is intact, and that the process has no io_uring ring yet,
 * because such a ring keeps working. A filter sees the arguments of a call but no memory, so
 * it cannot compare texts or structures. The launcher, the addon and spython link this file.
 * docs/reference/launcher.md lists the same calls, and a test compares the two lists.
 *
 * Newer system calls and requests are written as numbers, because headers may be older than the
 * kernel. Their numbers are the same on x86-64 and arm64. */
#define _GNU_SOURCE
#include "lockdown.h"
#include "call-filter.h"
#include "memory-file-mark.h"
#include "../settings/constants.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No process can have a descriptor with this number. */
#define NO_DESCRIPTOR UINT32_MAX

/* The kernel refuses these system calls with any arguments, except those that is_needed() names. */
static const uint32_t DENIED[] = {
	/* These calls set extended attributes and flags, which can make the kernel trust a file. */
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
	426 /* io_uring_enter */,
	427 /* io_uring_register */,
	/* The clock decides whether an index or a certificate has expired. */
	SYS_settimeofday,
	SYS_adjtimex,
	SYS_clock_settime,
	SYS_clock_adjtime,
	/* These calls reach memory, descriptors and state of other processes. */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	438 /* pidfd_getfd */,
	440 /* process_madvise */,
	SYS_kcmp,
	SYS_perf_event_open,
	/* These calls handle page faults, use memory as a file, or make data executable. */
	SYS_userfaultfd,
	SYS_memfd_create,
	447 /* memfd_secret */,
	SYS_personality,
	/* These calls change or bypass the paths of files, or make the kernel itself use a file. */
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
	443 /* quotactl_fd */,
	SYS_fanotify_init,
	SYS_acct,
	/* These calls change or restart the kernel, or reach its keys and names. */
	SYS_sethostname,
	SYS_setdomainname,
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
	/* These calls reach ports of devices, change segments of memory, or load a library. */
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
#endif
};

/* clang-format off */
/* In a rule, a line contains the comparisons of one argument. The formatter would break such
 * lines. */

/* Allows execveat() with AT_EXECVE_CHECK (Linux 6.14), because it executes nothing. Any other
 * execveat() is allowed only if its arguments are those of `allowed`. The descriptor and the
 * addresses alone are not enough, because the executed program could find them by trying. It cannot
 * find 64 random bits. */
static void add_execution(struct filter *filter, const struct execution *allowed)
{
	enum { FLAG_EXECVE_CHECK = 0x10000 };
	if (allowed == NULL) {
		RULE(filter, SYS_execveat,
			LOAD(args[4]), IF_ANY_BIT(FLAG_EXECVE_CHECK, ALLOW, NO_ACCESS));
		return;
	}
	RULE(filter, SYS_execveat,
		LOAD(args[4]), IF_ANY_BIT(FLAG_EXECVE_CHECK, ALLOW, 0),
		LOAD(args[0]), IF(allowed->program, 0, NO_ACCESS),
		REQUIRE(args[1], (uintptr_t)allowed->path, NO_ACCESS),
		REQUIRE(args[2], (uintptr_t)allowed->arguments, NO_ACCESS),
		REQUIRE(args[5], allowed->secret, NO_ACCESS),
		JUMP(ALLOW));
}

/* Refuses the requests that put text into a terminal's input, where a shell would execute the
 * text. */
static void add_typing(struct filter *filter)
{
	RULE(filter, SYS_ioctl,
		LOAD(args[1]),
		IF(TIOCSTI, DENY, 0),
		IF(TIOCLINUX, DENY, ALLOW));
}

/* Refuses requests by their type, which is bits 8 to 15. A descriptor that is open only for reading
 * is enough for many requests of these types. They change a file (`f`, `X`: flags, encryption,
 * fs-verity), make a snapshot (0x94: btrfs, 0xbc: bcachefs), map keys (`K`), or handle page faults
 * (0xaa). */
static void add_requests(struct filter *filter)
{
	enum { TYPE = 0xff00 };
	RULE(filter, SYS_ioctl,
		LOAD(args[1]),
		IF(TIOCSTI, DENY, 0),
		IF(TIOCLINUX, DENY, 0),
		IF(TIOCSETD, DENY, 0),
		/* These name the receiver of signals in memory, which a filter cannot read. */
		IF(FIOSETOWN, DENY, 0),
		IF(SIOCSPGRP, DENY, 0),
		IF(0x40087602 /* FS_IOC_SETVERSION */, DENY, 0),
		IF(0x40047211 /* FAT_IOCTL_SET_ATTRIBUTES */, DENY, 0),
		IF(0x40186f04 /* OCFS2_IOC_REFLINK, which makes a file */, DENY, 0),
		/* These requests only read. */
		IF(0x80086601 /* FS_IOC_GETFLAGS */, ALLOW, 0),
		IF(0x801c581f /* FS_IOC_FSGETXATTR */, ALLOW, 0),
		IF(0xc020660b /* FS_IOC_FIEMAP */, ALLOW, 0),
		IF(0xc0046686 /* FS_IOC_MEASURE_VERITY */, ALLOW, 0),
		/* The kernel allows these requests only if the descriptor is open for writing. */
		IF(0x40049409 /* FICLONE */, ALLOW, 0),
		IF(0x4020940d /* FICLONERANGE */, ALLOW, 0),
		MASK(TYPE),
		IF('f' << 8, DENY, 0),
		IF('X' << 8, DENY, 0),
		IF(0x94 << 8, DENY, 0),
		IF(0xbc << 8, DENY, 0),
		IF('K' << 8, DENY, 0),
		IF(0xaa << 8, DENY, ALLOW));
}

/* Refuses to set the set-user-ID or set-group-ID bit. A file with such a bit runs with the rights
 * of its owner or group, whoever starts it. */
static void add_modes(struct filter *filter)
{
	enum { SET_ID = S_ISUID | S_ISGID, CREATES = O_CREAT | (O_TMPFILE & ~O_DIRECTORY) };
	RULE(filter, SYS_openat,
		LOAD(args[2]), IF_ANY_BIT(CREATES, 0, ALLOW),
		LOAD(args[3]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_fchmod, LOAD(args[1]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_fchmodat, LOAD(args[2]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, 452 /* fchmodat2 */, LOAD(args[2]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_mknodat, LOAD(args[2]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
#ifdef __x86_64__
	RULE(filter, SYS_open,
		LOAD(args[1]), IF_ANY_BIT(CREATES, 0, ALLOW),
		LOAD(args[2]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_creat, LOAD(args[1]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_chmod, LOAD(args[1]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
	RULE(filter, SYS_mknod, LOAD(args[1]), IF_ANY_BIT(SET_ID, DENY, ALLOW));
#endif
}

/* Refuses new namespaces. In a new user namespace a process has all capabilities, and with them
 * reaches most of the kernel. Namespaces of other kinds would change the paths, processes or
 * network of the process. */
static void add_namespaces(struct filter *filter)
{
	enum { NEW_NAMESPACES = 0x7e020000, PARENTS_CHILD = 0x8000 /* CLONE_PARENT */ };
	/* With CLONE_PARENT, the parent of this process would get a child that it did not start. */
	RULE(filter, SYS_clone,
		LOAD(args[0]), IF_ANY_BIT(NEW_NAMESPACES | PARENTS_CHILD, DENY, ALLOW));
}

/* Refuses to map shared memory as code, because System V memory can be executable without a
 * file. */
static void add_memory(struct filter *filter, int how)
{
	RULE(filter, SYS_shmat, LOAD(args[2]), IF_ANY_BIT(SHM_EXEC, DENY, ALLOW));
	if ((how & ONLY_FILES_AS_CODE) != 0)
		RULE(filter, SYS_mmap,
			LOAD(args[2]), IF_ANY_BIT(PROT_EXEC, 0, ALLOW),
			IF_ANY_BIT(PROT_WRITE, ALLOW, 0),
			LOAD(args[3]), IF_ANY_BIT(MAP_ANONYMOUS, DENY, ALLOW));
}

/* Allows memory files to the gate and spython only, which load libraries from them. */
static void add_memory_files(struct filter *filter)
{
	RULE(filter, SYS_memfd_create, REQUIRE(args[5], MEMORY_FILE_MARK, DENY), JUMP(ALLOW));
}

/* Refuses leases: the owner of a file could take a lease on it, and so delay or stop a launcher
 * that opens the file. Refuses to name a receiver of a file's signals other than this process, and
 * to choose the signal: in kernels before the fix of Landlock's scope, and in those without the
 * scope, SIGUSR1 would so reach a whole process group, and open the inspector of a Node.js in it.
 * The number is compared as the kernel reads it, in 32 bits. */
static void add_file_control(struct filter *filter, int how)
{
	const uint32_t kept = (how & KEEPS_CHANNEL) != 0 ? CHANNEL_DESCRIPTOR : NO_DESCRIPTOR;
	RULE(filter, SYS_fcntl, LOAD(args[1]),
		IF(F_SETLEASE, DENY, 0),
		IF(1040 /* F_SETDELEG */, DENY, 0),
		IF(F_SETSIG, DENY, 0),
		IF(F_SETOWN_EX, DENY, 0),
		IF(F_SETOWN, 4, 0),
		IF(F_DUPFD, 1, 0),
		IF(F_DUPFD_CLOEXEC, 0, ALLOW),
		LOAD(args[0]), IF(kept, DENY, ALLOW),
		LOAD(args[2]), IF(0, ALLOW, 0), IF(getpid(), ALLOW, DENY));
}

/* Refuses to join the process group of others. In a terminal all members of a group are stopped
 * together, and some signals to a group are judged by one member alone. A process may still lead a
 * new group, or by setsid() a new session: nobody else is in it. */
static void add_groups(struct filter *filter)
{
	RULE(filter, SYS_setpgid,
		LOAD(args[1]), IF(0, ALLOW, 0),
		KEEP, LOAD(args[0]), IF_KEPT(ALLOW, DENY));
}

/* Keeps the program from closing the way to the collector, and from putting another file in its
 * place. A duplicate could be shut down, so none may be made. If a call would close a range of
 * descriptors with this one among them, it closes nothing, and succeeds. If it failed, closefrom(3)
 * of glibc would close one by one, and try again until none is left. */
static void add_channel(struct filter *filter)
{
	enum { KEPT = CHANNEL_DESCRIPTOR };
	RULE(filter, SYS_close, LOAD(args[0]), IF(KEPT, DENY, ALLOW));
	RULE(filter, SYS_dup, LOAD(args[0]), IF(KEPT, DENY, ALLOW));
	RULE(filter, SYS_dup3,
		LOAD(args[0]), IF(KEPT, DENY, 0),
		LOAD(args[1]), IF(KEPT, DENY, ALLOW));
	RULE(filter, SYS_shutdown, LOAD(args[0]), IF(KEPT, DENY, ALLOW));
	RULE(filter, 436 /* close_range */,
		LOAD(args[0]), TEST(BPF_JGT, KEPT, ALLOW, 0),
		LOAD(args[1]), TEST(BPF_JGE, KEPT, IGNORE, ALLOW));
#ifdef __x86_64__
	RULE(filter, SYS_dup2,
		LOAD(args[0]), IF(KEPT, DENY, 0),
		LOAD(args[1]), IF(KEPT, DENY, ALLOW));
#endif
}

/* Keeps the limits of the launcher and of other processes. The launcher sets RLIMIT_CORE to 1,
 * because for this value alone the kernel neither writes a core file nor runs the program that
 * core_pattern names. Programs that set the limit to 0 want the same, so a change of this limit is
 * ignored instead of refused. A limit of the size of files is refused, because with it the process
 * would write no more events. A change of a limit of another process is refused, because the kernel
 * ends a process that exceeds some limits. */
static void add_limits(struct filter *filter)
{
	RULE(filter, SYS_prlimit64,
		/* If the new limit is NULL, the call only reads. */
		LOAD(args[2]), IF(0, 0, 2),
		LOAD_HIGH(args[2]), IF(0, ALLOW, 0),
		/* If the number of the process is 0, the process is the caller. */
		LOAD(args[0]), IF(0, 0, DENY),
		LOAD(args[1]), IF(RLIMIT_FSIZE, DENY, 0), IF(RLIMIT_CORE, 0, ALLOW),
		/* A filter cannot return the old limit, so a call that also asks for it is refused. */
		REQUIRE(args[3], 0, DENY),
		JUMP(IGNORE));
#ifdef SYS_setrlimit
	RULE(filter, SYS_setrlimit,
		LOAD(args[0]), IF(RLIMIT_FSIZE, DENY, 0), IF(RLIMIT_CORE, IGNORE, ALLOW));
#endif
}

/* Refuses the ways to a TCP port that Landlock does not see as TCP: sockets of other protocols,
 * such as MPTCP and SMC, raw sockets, and connecting by MSG_FASTOPEN. UDP stays allowed. */
static void add_network(struct filter *filter)
{
	enum { SOCKET_TYPE = 0xf, FASTOPEN = 0x20000000 /* MSG_FASTOPEN */ };
	RULE(filter, SYS_socket,
		LOAD(args[0]),
		IF(AF_UNIX, ALLOW, 0),
		IF(AF_NETLINK, ALLOW, 0),
		IF(AF_INET, 1, 0),
		IF(AF_INET6, 0, DENY),
		LOAD(args[1]), MASK(SOCKET_TYPE),
		IF(SOCK_DGRAM, 4, 0),
		IF(SOCK_STREAM, 0, DENY),
		LOAD(args[2]), IF(0, ALLOW, 0), IF(IPPROTO_TCP, ALLOW, DENY),
		LOAD(args[2]), IF(0, ALLOW, 0), IF(IPPROTO_UDP, ALLOW, DENY));
	RULE(filter, SYS_sendto, LOAD(args[3]), IF_ANY_BIT(FASTOPEN, DENY, ALLOW));
	RULE(filter, SYS_sendmsg, LOAD(args[2]), IF_ANY_BIT(FASTOPEN, DENY, ALLOW));
	RULE(filter, SYS_sendmmsg, LOAD(args[3]), IF_ANY_BIT(FASTOPEN, DENY, ALLOW));
	/* The option TCP_ULP can turn a TCP socket into an SMC socket. */
	RULE(filter, SYS_setsockopt,
		LOAD(args[1]), IF(IPPROTO_TCP, 0, ALLOW),
		LOAD(args[2]), IF(31 /* TCP_ULP */, DENY, ALLOW));
}

/* clang-format on */

/* Answers openat2() and clone3() as a kernel without these calls does, so that callers use openat()
 * and clone() instead. The two calls take mode and flags in a structure in memory, which a filter
 * cannot read. The answer is no refusal and shall not be logged, so it has a separate filter. */
static int hide_unreadable_calls(unsigned flags)
{
	struct filter filter;
	begin_filter(&filter);
	answer_call(&filter, 435 /* clone3 */, SECCOMP_RET_ERRNO | ENOSYS);
	answer_call(&filter, 437 /* openat2 */, SECCOMP_RET_ERRNO | ENOSYS);
	return install_filter(&filter, flags);
}

/* A running process may have a ring already, as libuv of Debian has for epoll, and would end if it
 * could not use it any more. */
static bool is_needed(uint32_t call, int how)
{
	if (call == SYS_memfd_create)
		return (how & MEMORY_FILES) != 0;
	return call == 426 /* io_uring_enter */ && (how & ALL_THREADS) != 0;
}

int restrict_calls(const struct execution *allowed, int how)
{
	const unsigned flags = (how & ALL_THREADS) != 0 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
	struct filter filter;
	if ((how & PROGRAMS_ONLY) == 0) {
		const int result = hide_unreadable_calls(flags);
		if (result != 0)
			return result;
	}
	begin_filter(&filter);
	/* Programs expect EACCES of a program that they may not execute. Node.js throws any error that
	 * it does not expect, where EACCES becomes an event of the child process. */
	add_execution(&filter, allowed);
	answer_call(&filter, SYS_execve, SECCOMP_RET_ERRNO | EACCES);
	if ((how & PROGRAMS_ONLY) != 0) {
		add_typing(&filter);
		answer_call(&filter, SYS_chroot, SECCOMP_RET_ERRNO | EPERM);
		answer_call(&filter, SYS_setns, SECCOMP_RET_ERRNO | EPERM);
	} else {
		/* The rules of frequent calls come first, because the kernel goes through the rules for
		 * each call until one matches. */
		add_modes(&filter);
		if ((how & TCP_LIMITED) != 0)
			add_network(&filter);
		add_requests(&filter);
		add_namespaces(&filter);
		add_memory(&filter, how);
		add_file_control(&filter, how);
		add_groups(&filter);
		if ((how & KEEPS_CHANNEL) != 0)
			add_channel(&filter);
		add_limits(&filter);
		if ((how & MEMORY_FILES) != 0)
			add_memory_files(&filter);
		for (size_t i = 0; i < sizeof DENIED / sizeof *DENIED; i++) {
			if (!is_needed(DENIED[i], how))
				answer_call(&filter, DENIED[i], SECCOMP_RET_ERRNO | EPERM);
		}
	}
	/* Each refusal adds a line to the kernel's log, which a process without CAP_SYSLOG cannot
	 * erase. */
	return install_filter(&filter, flags | SECCOMP_FILTER_FLAG_LOG);
}

bool can_filter_calls(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
