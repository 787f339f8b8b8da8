/* Takes the place of pthread_create(3) for the whole program, because Node.js takes a refusal as
 * final: `new Worker` throws, and libuv ends the process if its first threads are refused. */
#define _GNU_SOURCE
#include "../libraries/look-up.h"
#include "../libraries/refused-thread.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

typedef int make_thread(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

__attribute__((visibility("default"))) int pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	make_thread *found = (make_thread *)real_dlsym()(RTLD_NEXT, "pthread_create");
	int error = found(thread, attributes, run, argument);
	for (int refusals = 1; error == EAGAIN && wait_for_thread(refusals); refusals++)
		error = found(thread, attributes, run, argument);
	return error;
}
