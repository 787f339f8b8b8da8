/* Writes events to the system log. */
#ifndef SIGTOOL_SYSLOG_H
#define SIGTOOL_SYSLOG_H
#include <stdbool.h>

/* Sends one datagram `<PRIORITY>TIME PROGRAM[PID]: TEXT` to /dev/log: the form of RFC 3164 without
 * the host name. Its facility is authpriv. Its severity is critical for a refusal, else notice.
 * Never waits. Returns false if the log did not accept the whole datagram. */
bool log_to_system(const char *program, const char *text, bool is_refusal);

#endif
