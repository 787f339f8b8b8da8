/* Events in the log of the system. */
#ifndef SIGTOOL_SYSLOG_H
#define SIGTOOL_SYSLOG_H
#include <stdbool.h>

/* Sends one datagram to /dev/log, in the form of RFC 3164: `PROGRAM[PID]: TEXT`, of the facility
 * authpriv, with the severity critical for a refusal and notice for anything else. Never waits.
 * Returns false when not all of it was taken. */
bool log_to_system(const char *program, const char *text, bool is_refusal);

#endif
