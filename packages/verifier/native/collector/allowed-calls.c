/* Guarantees that the collector makes no system calls but those that it needs to receive messages,
 * and to find, open, lock and append to the file of events. */
#define _GNU_SOURCE
#include "allowed-calls.h"
#include "../shared/confinement/call-filter.h"
#include <errno.h>
#include <sys/syscall.h>

static const uint32_t ALLOWED[] = {
	SYS_recvmsg,
	SYS_futex,
	SYS_writev,
	SYS_write,
	SYS_pread64,
	SYS_read,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_fcntl,
	SYS_ppoll,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_restart_syscall,
	SYS_openat,
	SYS_close,
	SYS_dup3,
	SYS_fchown,
	SYS_geteuid,
	SYS_getpid,
	SYS_gettid,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigreturn,
#ifdef __x86_64__
	SYS_poll,
	SYS_open,
	SYS_lstat,
	SYS_stat,
	SYS_time,
	SYS_gettimeofday,
#endif
};

bool restrict_to_allowed(void)
{
	static struct filter filter;
	begin_filter(&filter);
	for (size_t i = 0; i < sizeof ALLOWED / sizeof *ALLOWED; i++)
		answer_call(&filter, ALLOWED[i], SECCOMP_RET_ALLOW);
	answer_others(&filter, SECCOMP_RET_ERRNO | EPERM);
	return install_filter(&filter, 0) == 0;
}
