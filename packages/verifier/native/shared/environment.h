/* Decides which environment variables reach a runtime. shared/environment.c lists them. */
#ifndef SIGTOOL_ENVIRONMENT_H
#define SIGTOOL_ENVIRONMENT_H

/* Returns an array like `environ`: the variables of `environ` that may pass, then those of `added`
 * (`NAME=VALUE`, ending with NULL; the list itself may be NULL), then NULL. Returns NULL if there
 * would be more than 4094 variables.
 * If `clear` is not 0, only variables pass that nearly every program reads, such as PATH and HOME.
 *
 * The array is static, and the next call overwrites it. Its elements point to the same strings as
 * those of `environ`. */
char **clean_environment(int clear, char *const *added);

/* Closes the descriptor in LD_PRELOAD, removes the variable, and overwrites it in
 * /proc/self/environ. So neither the program nor what it starts sees the variable. */
void forget_preload(void);

#endif
