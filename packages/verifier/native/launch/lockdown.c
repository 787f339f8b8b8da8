/* What the kernel refuses to the process from here on: Landlock, seccomp, securebits. Also in the
 * addon and in spythons. Numbers that headers may be too old for are our own; they are the same on
 * x86-64 and arm64. */
#define _GNU_SOURCE
#include "launch.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Access rights by their bit; FS_CHANGE is all that changes a file or a directory. */
enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, RULE_PATH_BENEATH = 1 };
enum {
	FS_EXECUTE = 1,
	FS_WRITE = 2,
	FS_MAKE_DEVICE = 1 << 6 | 1 << 11,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_CHANGE = 0x7ff2
};

static void allow(int rules, uint64_t access, int beneath)
{
	struct __attribute__((packed)) {
		uint64_t access;
		int32_t beneath;
	} rule = {access, beneath};
	syscall(LANDLOCK_ADD, rules, RULE_PATH_BENEATH, &rule, 0);
}
static void allow_path(int rules, uint64_t access, const char *path)
{
	allow(rules, access, open(path, O_PATH | O_CLOEXEC));
}

/* The dynamic loader a program names (PT_INTERP): the kernel executes that too. */
static void allow_loader(int rules, int program)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	char path[PATH_MAX];
	if (pread(program, &head, sizeof head, 0) != sizeof head)
		return;
	for (int i = 0; i < head.e_phnum && i < 64; i++) {
		if (pread(program, &part, sizeof part, (off_t)(head.e_phoff + (uint64_t)i * sizeof part)) !=
			sizeof part)
			return;
		if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz > sizeof path)
			continue;
		if (pread(program, path, part.p_filesz, (off_t)part.p_offset) != (ssize_t)part.p_filesz)
			return;
		path[part.p_filesz - 1] = 0;
		allow_path(rules, FS_EXECUTE, path);
	}
}

/* Executing: the program, its loader, and signed trees, so that AT_EXECVE_CHECK can answer for
 * them; execve itself is refused elsewhere. Changing: the writable directories, and /dev/null.
 * Before version 3 truncating cannot be refused. */
int restrict_files(const struct settings *settings, int program, const int *writable)
{
	int version = (int)syscall(LANDLOCK_CREATE, NULL, 0, 1);
	uint64_t change =
		FS_CHANGE & ~(uint64_t)((version < 2 ? FS_REFER : 0) | (version < 3 ? FS_TRUNCATE : 0));
	uint64_t handled = change | FS_EXECUTE;
	int rules = (int)syscall(LANDLOCK_CREATE, &handled, sizeof handled, 0);
	if (version < 1 || rules < 0)
		return -1;
	allow(rules, FS_EXECUTE, program);
	allow_loader(rules, program);
	for (size_t i = 0; i < settings->tree_count; i++)
		allow_path(rules, FS_EXECUTE, settings->trees[i]);
	allow_path(rules, change & (FS_WRITE | FS_TRUNCATE), "/dev/null");
	if (settings->audit != NULL)
		allow(rules, FS_WRITE,
			open(settings->audit, O_PATH | O_NOFOLLOW | O_CLOEXEC)); /* no link's target */
	for (size_t i = 0; i < settings->writable_count; i++)
		allow(rules, change & ~(uint64_t)FS_MAKE_DEVICE, writable[i]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(LANDLOCK_RESTRICT, rules, 0) != 0)
		return -1;
	close(rules);
	return version;
}

#ifdef __x86_64__
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 };
#else /* the numbers written out below are arm64's, too */
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#endif

/* Attributes; ways round a filter, and into other processes; programs, and memory that is a file;
 * the file systems; the kernel. docs/launcher.md says why each. */
static const uint32_t DENIED[] = {SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
	SYS_lremovexattr, SYS_fremovexattr, 463 /* setxattrat */, 466 /* removexattrat */,
	469 /* file_setattr */, 425 /* io_uring_setup */, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, 438 /* pidfd_getfd */, 440 /* process_madvise */, SYS_kcmp,
	SYS_perf_event_open, SYS_userfaultfd, SYS_memfd_create, 447 /* memfd_secret */, SYS_personality,
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, 428 /* open_tree */,
	429 /* move_mount */, 430 /* fsopen */, 431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */,
	442 /* mount_setattr */, 467 /* open_tree_attr */, SYS_open_by_handle_at, SYS_swapon,
	SYS_swapoff, SYS_quotactl, SYS_acct, SYS_bpf, SYS_add_key, SYS_request_key, SYS_keyctl,
	SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load,
	SYS_reboot,
#ifdef __x86_64__
	SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib,
#endif
	SYS_execve /* the last: all that PROGRAMS_ONLY leaves */};
enum { DENIED_COUNT = sizeof DENIED / sizeof *DENIED, CHECK_ONLY = 0x10000 /* AT_EXECVE_CHECK */ };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define TEST(test, value, yes, no) BPF_JUMP(BPF_JMP | BPF_K | (test), (uint32_t)(value), yes, no)
#define IF(value, yes, no) TEST(BPF_JEQ, value, yes, no)
enum {
	DENY = 254,
	ALLOW = 255
}; /* jumps to the last two instructions, until their distance is known */

int restrict_calls(int program, const char *path, char *const *arguments, int how)
{
	const uint64_t p = (uintptr_t)path, a = (uintptr_t)arguments;
	const struct sock_filter first[] = {LOAD(arch), IF(ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr),
		TEST(BPF_JGE, 0x40000000 /* x32 */, DENY, 0)};
	const struct sock_filter last[] = {/* keys typed for the shell behind the terminal */
		IF(SYS_ioctl, 0, 3), LOAD(args[1]), IF(TIOCSTI, DENY, 0),
		IF(0x541c /* TIOCLINUX */, DENY, ALLOW),
		/* a check executes nothing; the one execution has the launcher's own descriptor and
		   addresses */
		IF(SYS_execveat, 0, ALLOW), LOAD(args[4]), TEST(BPF_JSET, CHECK_ONLY, ALLOW, 0),
		LOAD(args[0]), IF(program, 0, DENY), LOAD(args[1]), IF(p, 0, DENY), LOAD_HIGH(args[1]),
		IF(p >> 32, 0, DENY), LOAD(args[2]), IF(a, 0, DENY), LOAD_HIGH(args[2]),
		IF(a >> 32, ALLOW, DENY), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	enum {
		FIRST = sizeof first / sizeof *first,
		LAST = sizeof last / sizeof *last,
		ALL = FIRST + DENIED_COUNT + LAST
	};
	struct sock_filter code[ALL];
	memcpy(code, first, sizeof first);
	int count = FIRST;
	for (size_t i = how & PROGRAMS_ONLY ? DENIED_COUNT - 1 : 0; i < DENIED_COUNT; i++)
		code[count++] = (struct sock_filter)IF(DENIED[i], DENY, 0);
	memcpy(code + count, last, sizeof last);
	count += LAST;
	for (int i = 0; i < count; i++) {
		if (code[i].jt >= DENY)
			code[i].jt = (uint8_t)(count - 3 - i + (code[i].jt == ALLOW));
		if (code[i].jf >= DENY)
			code[i].jf = (uint8_t)(count - 3 - i + (code[i].jf == ALLOW));
	}
	struct sock_fprog filter = {(unsigned short)count, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		how & ALL_THREADS ? SECCOMP_FILTER_FLAG_TSYNC : 0, &filter);
}
