/* Events to the system's log. */
#ifndef SIGTOOL_SYSLOG_H
#define SIGTOOL_SYSLOG_H
#include <stdbool.h>

/* One datagram to /dev/log: `PROGRAM[PID]: TEXT`, of authpriv, critical or a notice. False where
 * nobody takes it at once. */
bool log_to_system(const char *program, const char *text, bool is_refusal);

#endif
