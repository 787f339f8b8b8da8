/* Probes that make namespaces, other processes and threads. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends the child that a call made, and waits for it. */
static int finish(long child)
{
	if (child == 0)
		_exit(0);
	const int error = outcome(child);
	if (child > 0)
		waitpid((pid_t)child, NULL, __WALL);
	return error;
}

static int try_clone(long flags)
{
	return finish(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
}

static int try_clone3(long flags)
{
	/* The first version of struct clone_args, in include/uapi/linux/sched.h. */
	struct {
		uint64_t flags;
		uint64_t pidfd;
		uint64_t child_tid;
		uint64_t parent_tid;
		uint64_t exit_signal;
		uint64_t stack;
		uint64_t stack_size;
		uint64_t tls;
	} arguments = {.flags = (uint64_t)flags, .exit_signal = SIGCHLD};
	return finish(syscall(SYS_clone3, &arguments, sizeof arguments));
}

static int try_fork(long unused)
{
	(void)unused;
	return finish(fork());
}

static void *do_nothing(void *unused)
{
	return unused;
}

static int try_thread(long unused)
{
	(void)unused;
	pthread_t thread;
	const int error = pthread_create(&thread, NULL, do_nothing, NULL);
	return error != 0 ? error : pthread_join(thread, NULL);
}

static int try_unshare(long flags)
{
	return outcome(unshare((int)flags));
}

static int try_setns(long unused)
{
	(void)unused;
	const int own = open("/proc/self/ns/net", O_RDONLY);
	return outcome(setns(own, CLONE_NEWNET));
}

static pid_t neighbour(void)
{
	return atoi(setting("PROBE_PID"));
}

static int try_ptrace(long unused)
{
	(void)unused;
	const long result = ptrace(PTRACE_SEIZE, neighbour(), 0, 0);
	const int error = outcome(result);
	ptrace(PTRACE_DETACH, neighbour(), 0, 0);
	return error;
}

static int try_read_memory(long unused)
{
	(void)unused;
	char byte;
	const struct iovec here = {&byte, 1};
	/* The address need not exist in the other process: EFAULT shows that the kernel allowed the
	 * call. */
	const struct iovec there = {(void *)1, 1};
	return outcome(process_vm_readv(neighbour(), &here, 1, &there, 1, 0));
}

static int try_read_environment(long unused)
{
	(void)unused;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/environ", neighbour());
	return outcome(open(path, O_RDONLY));
}

/* Sets a limit of the other process to its present value, so nothing changes. */
static int try_set_limit(long resource)
{
	struct rlimit limit;
	if (prlimit(neighbour(), (int)resource, NULL, &limit) != 0)
		return errno;
	return outcome(prlimit(neighbour(), (int)resource, &limit, NULL));
}

static int try_take_descriptor(long unused)
{
	(void)unused;
	const int process = (int)syscall(SYS_pidfd_open, neighbour(), 0);
	return outcome(syscall(438 /* pidfd_getfd */, process, 0, 0));
}

const struct probe PROCESSES[] = {
	{"clone-newcgroup", try_clone, CLONE_NEWCGROUP},
	{"clone-newipc", try_clone, CLONE_NEWIPC},
	{"clone-newnet", try_clone, CLONE_NEWNET},
	{"clone-newns", try_clone, CLONE_NEWNS},
	{"clone-newpid", try_clone, CLONE_NEWPID},
	{"clone-newuser", try_clone, CLONE_NEWUSER},
	{"clone-newuts", try_clone, CLONE_NEWUTS},
	{"clone3-newuser", try_clone3, CLONE_NEWUSER},
	{"clone3", try_clone3, 0},
	{"unshare-newuser", try_unshare, CLONE_NEWUSER},
	{"setns", try_setns, 0},
	{"fork", try_fork, 0},
	{"thread", try_thread, 0},
	{"ptrace", try_ptrace, 0},
	{"process-vm-readv", try_read_memory, 0},
	{"read-environment", try_read_environment, 0},
	{"set-limit", try_set_limit, RLIMIT_NOFILE},
	{"pidfd-getfd", try_take_descriptor, 0},
	{0},
};
