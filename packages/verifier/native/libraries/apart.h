/* Runs code in a thread that has descriptors of its own.
 *
 * All other threads share one table of descriptors, and a program can close and reopen any number
 * in it at any moment. So a descriptor in that table, and a path such as /proc/self/fd/7, can mean
 * another file from one instruction to the next. No other thread can change the table of this
 * thread. */
#ifndef SIGTOOL_APART_H
#define SIGTOOL_APART_H
#include <stdbool.h>

typedef void work(void *argument);

struct apart {
	int thread; /* the number by which /proc/self/task has the thread; 0 when it has ended */
	int state;
	work *run;
	void *argument;
	void *stack;
};

/* Runs `run` and returns when it is done. It begins with the standard descriptors alone. The thread
 * and its descriptors then stay until end_apart(). Meanwhile the calling thread must not run `run`
 * again with the same argument. Signals wait until this function returns. Returns false with errno
 * if there is no thread. */
bool run_apart(struct apart *apart, work *run, void *argument);
void end_apart(struct apart *apart);

#endif
