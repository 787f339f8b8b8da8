/* The protections that a kernel may lack. */
#ifndef SIGTOOL_LAUNCH_PROTECTIONS_H
#define SIGTOOL_LAUNCH_PROTECTIONS_H
#include <stdbool.h>

struct record;
struct settings;

/* A kernel may lack some of these protections. protections.c has a row for each. */
enum protection {
	LANDLOCK,
	LANDLOCK_TRUNCATE,
	LANDLOCK_NETWORK,
	LANDLOCK_DEVICES,
	LANDLOCK_SCOPES,
	LANDLOCK_LOG,
	LANDLOCK_SOCKETS,
	SECCOMP,
	SIGNAL_OWNERS,
	WRITABLE_CODE,
	SECUREBITS,
	PROTECTION_COUNT,
};

/* Adds a missing protection to the record. If enforcement depends on the protection, its absence is
 * also reported on standard error, and mode strict ends the process instead. */
void lack(enum protection protection, const struct settings *settings, struct record *record);

/* Prints a line for each protection: its name, the first version of Linux that has it, `required`
 * if mode strict refuses to start without it, else `optional`, and `holds` or `missing`, separated
 * by tabs. Some are found only by using them, so the process must end afterwards. Returns 0. */
int print_protections(void);

/* Sets a bit by which the kernel tells interpreters, if they ask for it, to execute no commands
 * that a person types. Returns false if the kernel lacks the bit. */
bool deny_interactive(void);

/* Makes the kernel refuse to make memory executable that was writable, in this process and in the
 * program that it executes. Returns false if the kernel cannot. */
bool deny_writable_code(void);

/* Tries, in processes of its own, if a restricted process can signal others by way of a file.
 * Returns true if it cannot. */
bool refuses_signal_owners(void);

#endif
