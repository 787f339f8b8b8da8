/* The environment variables that mode strict stops. */
#ifndef SIGTOOL_LAUNCH_STOPPED_VARIABLES_H
#define SIGTOOL_LAUNCH_STOPPED_VARIABLES_H

struct passing;

/* Tells which variables do not pass, if any: by an event in the file `audit`, or on standard error
 * if there is no such file. */
void tell_stopped(const struct passing *passing, const char *audit);

#endif
