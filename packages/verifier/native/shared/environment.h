/* Decides which environment variables reach a runtime. shared/environment.c lists them. */
#ifndef SIGTOOL_ENVIRONMENT_H
#define SIGTOOL_ENVIRONMENT_H

/* Returns an array like `environ`: the variables of `environ` that may pass, then `last`
 * (`NAME=VALUE`, or NULL for none), then NULL. Returns NULL if more than 4094 variables would pass.
 * If `clear` is not 0, only variables pass that nearly every program reads, such as PATH and HOME.
 *
 * The array is static, and the next call overwrites it. Its elements point to the same strings as
 * those of `environ`. */
char **clean_environment(int clear, char *last);

#endif
