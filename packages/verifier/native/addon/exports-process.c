/* Exports what concerns the process as a whole: giving up its rights, and its end. */
#include "../shared/confinement/lockdown.h"
#include "arguments.h"
#include "exports.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* lockdown() → number
 *
 * Makes the kernel refuse the system calls of shared/confinement/lockdown.c in each thread, and
 * keeps debuggers from attaching. Returns 0 or an errno. */
napi_value on_lockdown(napi_env env, napi_callback_info info)
{
	(void)info;
	/* After prctl() other processes of this user can neither attach to this process as debuggers
	 * nor read its memory. */
	const int failed = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (failed)
		return make_number(env, errno);
	const int result = restrict_calls(NULL, ALL_THREADS);
	if (result < 0)
		return make_number(env, errno);
	/* If `result` is positive, it is the number of a thread that could not be filtered. */
	return make_number(env, result == 0 ? 0 : ESRCH);
}

/* exitProcess(status) → never
 *
 * Ends all threads of the process at once. Any thread may call it. */
napi_value on_exit_process(napi_env env, napi_callback_info info)
{
	napi_value given[1] = {NULL};
	size_t count = 1;
	int32_t status = EXIT_FAILURE;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	napi_get_value_int32(env, given[0], &status);
	_exit(status);
}
