/* Takes the place of dlsym(3) for the whole process. */
#ifndef SIGTOOL_LOOK_UP_H
#define SIGTOOL_LOOK_UP_H

typedef void *look_up(void *library, const char *name);

/* Each program defines this function. It returns the function that answers the call: real_dlsym(),
 * or one of its own. `caller` is an address in the code that called dlsym(3). */
__attribute__((used, visibility("hidden"))) look_up *judge_lookup(
	void *library, const char *name, const void *caller);

/* Returns libc's dlsym(). */
look_up *real_dlsym(void);

#endif
