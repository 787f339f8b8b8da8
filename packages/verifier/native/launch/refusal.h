/* The end of a launcher that starts nothing. A function of the launcher that fails ends the process
 * by fail(), unless its comment says otherwise. Nothing is allocated: input that exceeds its buffer
 * is refused. */
#ifndef SIGTOOL_LAUNCH_REFUSAL_H
#define SIGTOOL_LAUNCH_REFUSAL_H

struct settings;

/* Makes fail() write refusals to the file `settings->audit`, as soon as that member is set.
 * `settings` must stay valid until the process ends. */
void report_refusals_of(const struct settings *settings);

/* Writes one line to standard error and ends the process with `status`. `format` may use %m, which
 * shows errno. With the status UNDECIDED or REFUSED an event is written first, if there is a file
 * for events. */
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns the status for a file or directory on the command line that cannot be opened: UNDECIDED
 * if the fault may pass, else USAGE. One that does not exist was probably misspelt. */
int status_of_argument(int error);

/* Decides about every look at a file, or at the kernel, that has failed with this errno: ends the
 * process with UNDECIDED if nothing was found out. Otherwise returns, and what was looked for is
 * not there or not allowed. */
void require_answer(const char *subject);

/* Reports on standard error that a fact could not be found out. A granted directory may then reach
 * more than it should, so mode strict ends the process instead. `format` continues the words
 * "cannot tell". */
void cannot_tell(const struct settings *settings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
