/* Makes the threads of apart.h.
 *
 * Such a thread is made by clone(2) without CLONE_FILES, which no pthread_create() offers. libc
 * does not know it, and it shares the thread-local data (errno above all) of the thread that made
 * it. So that thread waits while the work runs, with all signals blocked, and afterwards the new
 * thread makes only system calls that touch no thread-local data. */
#define _GNU_SOURCE
#include "apart.h"
#include "refused-thread.h"
#include "../shared/events/event-channel.h"
#include "../shared/process/system-call.h"
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { STACK_BYTES = 1 << 18, GUARD_BYTES = 1 << 12 };
enum state { WORKING, DONE, LET_GO };

static void wait_while(const int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		system_call(SYS_futex, (long)word, (void *)FUTEX_WAIT, (void *)(long)value, 0);
}

static void change(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	system_call(SYS_futex, (long)word, (void *)FUTEX_WAKE, (void *)1, 0);
}

static int begin(void *argument)
{
	enum { FIRST_DESCRIPTOR = 3 };
	struct apart *apart = argument;
	/* The table is a copy. The program may have filled it, so that nothing could be opened. The
	 * launcher's filter lets nobody close the way to the collector. */
	system_call(SYS_close_range, FIRST_DESCRIPTOR, (void *)(CHANNEL_DESCRIPTOR - 1L), NULL, 0);
	system_call(SYS_close_range, CHANNEL_DESCRIPTOR + 1, (void *)(long)~0U, NULL, 0);
	apart->run(apart->argument);
	change(&apart->state, DONE);
	wait_while(&apart->state, DONE);
	return 0;
}

/* Makes the thread. Returns its number, or -1 with errno. */
static int make_thread(struct apart *apart)
{
	enum {
		/* The kernel sets `thread` to 0 and wakes its waiters when the thread has ended. */
		FLAGS = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
	};
	uint8_t *end = (uint8_t *)apart->stack + GUARD_BYTES + STACK_BYTES;
	int thread = clone(begin, end, FLAGS, apart, &apart->thread, NULL, &apart->thread);
	for (int refusals = 1; thread < 0 && errno == EAGAIN && wait_for_thread(refusals); refusals++)
		thread = clone(begin, end, FLAGS, apart, &apart->thread, NULL, &apart->thread);
	return thread;
}

bool run_apart(struct apart *apart, work *run, void *argument)
{
	uint8_t *stack = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return false;
	if (mprotect(stack + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
		munmap(stack, GUARD_BYTES + STACK_BYTES);
		return false;
	}
	*apart = (struct apart){.state = WORKING, .run = run, .argument = argument, .stack = stack};
	sigset_t all;
	sigset_t kept;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	const int thread = make_thread(apart);
	const int error = errno;
	if (thread > 0)
		wait_while(&apart->state, WORKING);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	errno = error;
	if (thread > 0)
		return true;
	munmap(stack, GUARD_BYTES + STACK_BYTES);
	return false;
}

void end_apart(struct apart *apart)
{
	change(&apart->state, LET_GO);
	for (;;) {
		const int thread = __atomic_load_n(&apart->thread, __ATOMIC_ACQUIRE);
		if (thread == 0)
			break;
		wait_while(&apart->thread, thread);
	}
	munmap(apart->stack, GUARD_BYTES + STACK_BYTES);
}
