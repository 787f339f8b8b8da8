/* libc's own dlsym(3), behind the one that the program puts in its place (take-dlsym.h). */
#ifndef SIGTOOL_LOOK_UP_H
#define SIGTOOL_LOOK_UP_H

typedef void *look_up(void *library, const char *name);

/* Returns libc's dlsym(). */
look_up *real_dlsym(void);

#endif
