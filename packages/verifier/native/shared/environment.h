/* The environment variables that reach a runtime; launch/environment.c says which. */
#ifndef SIGTOOL_ENVIRONMENT_H
#define SIGTOOL_ENVIRONMENT_H

/* Returns those variables of `environ` that may pass, then `last` (`NAME=VALUE`, or NULL), then
 * NULL; or NULL when more than 4094 variables would pass. With `clear` only those pass that nearly
 * every program reads (PATH, HOME, ...).
 *
 * The array is static and the next call overwrites it; the variables stay where they are. */
char **clean_environment(int clear, char *last);

#endif
