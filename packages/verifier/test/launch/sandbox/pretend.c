/* Starts a program that sees an older kernel: a supervisor answers the system calls by which the
 * program would find newer features.
 *
 * Arguments: the version of Landlock, or 0 for no Landlock; the missing features, joined by commas
 * or `-` for none: mdwe, securebits, seccomp; the program and its arguments. Ends with the
 * program's status. A filter with user notification needs Linux 5.0. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446, PIDFD_GETFD = 438 };
enum { FLAG_VERSION = 1, RULE_NET_PORT = 2, SET_MDWE = 65, EXEC_SECUREBITS = 0xf00 };

static int landlock;
static const char *missing;

static int lacks(const char *feature)
{
	return strstr(missing, feature) != NULL;
}

/* Returns the bits of a right that this version of Landlock knows. The source is
 * include/uapi/linux/landlock.h of each version of Linux. */
static uint64_t known_file_rights(void)
{
	const int counts[] = {0, 13, 14, 15, 15, 16, 16, 16};
	return (UINT64_C(1) << counts[landlock]) - 1;
}

static size_t known_bytes(void)
{
	if (landlock < 4)
		return 8;
	return landlock < 6 ? 16 : 24;
}

/* Judges the attributes of a ruleset as the older kernel does: bytes that it does not know must be
 * zero (E2BIG), and it must know each bit (EINVAL). Returns an errno, or 0 to let the call pass. */
static int judge_ruleset(pid_t process, uint64_t address, size_t size)
{
	uint64_t attributes[8] = {0};
	if (size > sizeof attributes)
		return E2BIG;
	const struct iovec here = {attributes, size};
	const struct iovec there = {(void *)address, size};
	if (process_vm_readv(process, &here, 1, &there, 1, 0) != (ssize_t)size)
		return EFAULT;
	for (size_t i = known_bytes(); i < size; i++) {
		if (((const char *)attributes)[i] != 0)
			return E2BIG;
	}
	const uint64_t known_net = landlock < 4 ? 0 : 3;
	const uint64_t known_scopes = landlock < 6 ? 0 : 3;
	if ((attributes[0] & ~known_file_rights()) != 0 || (attributes[1] & ~known_net) != 0 ||
		(attributes[2] & ~known_scopes) != 0)
		return EINVAL;
	return 0;
}

/* Returns the errno with which the older kernel refuses the call, or 0. */
static int judge(const struct seccomp_notif *call)
{
	const __u64 *args = call->data.args;
	switch (call->data.nr) {
	case SYS_prctl:
		if (args[0] == SET_MDWE)
			return lacks("mdwe") ? EINVAL : 0;
		return lacks("securebits") && (args[1] & EXEC_SECUREBITS) != 0 ? EPERM : 0;
	case SYS_seccomp:
		return lacks("seccomp") ? ENOSYS : 0;
	case CREATE_RULESET:
		if (landlock == 0)
			return ENOSYS;
		if (args[2] != 0)
			return args[2] == FLAG_VERSION ? 0 : EINVAL;
		return judge_ruleset((pid_t)call->pid, args[0], args[1]);
	case ADD_RULE:
		if (landlock == 0)
			return ENOSYS;
		return landlock < 4 && args[1] == RULE_NET_PORT ? EINVAL : 0;
	default:
		if (landlock == 0)
			return ENOSYS;
		return landlock < 7 && args[1] != 0 ? EINVAL : 0;
	}
}

static void answer(int listener)
{
	struct seccomp_notif call = {0};
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
		return;
	struct seccomp_notif_resp response = {.id = call.id};
	const int error = judge(&call);
	if (error != 0)
		response.error = -error;
	else if (call.data.nr == CREATE_RULESET && call.data.args[2] == FLAG_VERSION)
		response.val = landlock;
	else
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* Installs a filter that asks the supervisor. Returns the descriptor of the supervisor. */
static int ask_supervisor(void)
{
#define FIELD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ASK_IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), ASK
#define ASK BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)
#define PASS BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter code[] = {
		FIELD(nr),
		ASK_IF(CREATE_RULESET),
		ASK_IF(ADD_RULE),
		ASK_IF(RESTRICT_SELF),
		ASK_IF(SYS_seccomp),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 1, 0),
		PASS,
		FIELD(args[0]),
		ASK_IF(SET_MDWE),
		ASK_IF(PR_SET_SECUREBITS),
		PASS,
	};
	const struct sock_fprog filter = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

int main(int argc, char **argv)
{
	int ready[2];
	if (argc < 4 || pipe(ready) != 0)
		return 99;
	landlock = atoi(argv[1]);
	missing = argv[2];
	const pid_t child = fork();
	if (child == 0) {
		const int listener = ask_supervisor();
		if (listener < 0 || write(ready[1], &listener, sizeof listener) < 0)
			_exit(99);
		/* The supervisor answers this call only after it has copied the descriptor. */
		syscall(SYS_prctl, PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS));
		close(listener);
		execv(argv[3], argv + 3);
		_exit(98);
	}

	int number;
	if (read(ready[0], &number, sizeof number) != sizeof number)
		return 99;
	const int process = (int)syscall(SYS_pidfd_open, child, 0);
	const int listener = (int)syscall(PIDFD_GETFD, process, number, 0);
	struct pollfd files[] = {{listener, POLLIN, 0}, {process, POLLIN, 0}};
	while (poll(files, 2, -1) > 0 && files[1].revents == 0) {
		if (files[0].revents != 0)
			answer(listener);
	}
	int status;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
