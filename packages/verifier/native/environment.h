#ifndef SIGTOOL_ENVIRONMENT_H
#define SIGTOOL_ENVIRONMENT_H

/* The variables that may pass, and `last`, up to a null; with `clear` only the most usual ones.
 * Null where there are more than 4094. */
char **clean_environment(int clear, char *last);

#endif
