/* Landlock, by which the kernel takes rights from a process: its rights, and the system calls.
 *
 * Rights, system call numbers and structures are defined here, because the headers of a
 * distribution may be older than its kernel. The numbers are the same on x86-64 and arm64. The
 * source is include/uapi/linux/landlock.h of Linux 6.15, and for FS_RESOLVE_UNIX of Linux 7.1. */
#ifndef SIGTOOL_LANDLOCK_RULES_H
#define SIGTOOL_LANDLOCK_RULES_H
#include <stdbool.h>
#include <stdint.h>

/* The versions of Landlock that added a part. */
enum {
	LANDLOCK_WITH_REFER = 2,
	LANDLOCK_WITH_TRUNCATE = 3,
	LANDLOCK_WITH_NETWORK = 4,
	LANDLOCK_WITH_DEVICES = 5,
	LANDLOCK_WITH_SCOPES = 6,
	LANDLOCK_WITH_LOG = 7,
	LANDLOCK_WITH_SOCKETS = 9,
};

/* The access rights to files. Each is one bit. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_REMOVE_DIRECTORY = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHARACTER_DEVICE = 1 << 6,
	FS_MAKE_DIRECTORY = 1 << 7,
	FS_MAKE_REGULAR_FILE = 1 << 8,
	FS_MAKE_SOCKET = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK_DEVICE = 1 << 11,
	FS_MAKE_SYMBOLIC_LINK = 1 << 12,
	/* Version 2 of Landlock added the right to move and link between directories. Version 1 always
	 * refuses that. */
	FS_REFER = 1 << 13,
	/* Version 3 of Landlock added truncation. Earlier versions cannot refuse it. */
	FS_TRUNCATE = 1 << 14,
	/* Version 5 added the ioctl() requests of devices. */
	FS_IOCTL_DEVICE = 1 << 15,
	/* Version 9 added connecting and sending to a socket that has a path. */
	FS_RESOLVE_UNIX = 1 << 16,
};

/* The access rights to TCP ports, since version 4. */
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };

/* Everything that a ruleset refuses unless one of its rules allows it. */
struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

/* Returns the version of Landlock, or 0 if the kernel has none. */
int landlock_version(void);

/* Returns the rights to change that a kernel with this version of Landlock can refuse. */
uint64_t changes_known_to(int version);

/* Returns everything that this version can refuse, except ports, and sockets that have a path. */
struct ruleset ruleset_known_to(int version);

/* Makes a ruleset. Returns its descriptor, or -1 with errno. */
int make_ruleset(int version, const struct ruleset *refused);

/* Grants `access` to the open file, or to all files below the open directory. Failures, for example
 * of descriptor -1, are ignored, because they leave the process with fewer rights. */
void allow_beneath(int rules, uint64_t access, int beneath);

/* Grants `access` to a TCP port. */
void allow_port(int rules, uint64_t access, uint16_t port);

/* Makes the ruleset hold for this thread and for the programs that it executes, and has the kernel
 * log what it refuses these if the version can do that. Closes the ruleset. Returns 0, or -1 with
 * errno. */
int enforce_ruleset(int version, int rules);

/* Lets the process write and make files only below an open directory, and execute nothing, as far
 * as the kernel can enforce that. If the directory is -1, nothing is allowed. Returns false if that
 * failed for a reason that may pass. */
bool restrict_writing_to(int directory);

#endif
