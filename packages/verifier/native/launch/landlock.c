/* Guarantees by Landlock what holds after restrict_by_landlock(), for this process and for the
 * programs that it executes, as far as the kernel's version of Landlock goes:
 *
 * - They can execute only files that the settings allow.
 * - They can change the content and the names only of files that the settings allow. Landlock does
 *   not restrict mode, owner and times of files, and it does not restrict reading.
 * - If the settings limit TCP ports or sockets, they can use only those that the settings allow.
 * - They can neither signal other processes nor connect to the abstract sockets of other processes.
 *
 * This file assumes that the kernel is intact. Descriptors that are already open are not
 * restricted.
 *
 * Rights, system call numbers and structures are defined here, because the headers of a
 * distribution may be older than its kernel. The numbers are the same on x86-64 and arm64. The
 * source is include/uapi/linux/landlock.h of Linux 6.15, and for FS_RESOLVE_UNIX of Linux 7.1. */
#define _GNU_SOURCE
#include "landlock.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/exit-status.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The numbers of the system calls. */
enum {
	LANDLOCK_CREATE_RULESET = 444,
	LANDLOCK_ADD_RULE = 445,
	LANDLOCK_RESTRICT_SELF = 446,
};

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };
/* Without this flag the kernel logs no refusal after an execve(). */
enum { RESTRICT_SELF_LOG_NEW_EXEC_ON = 2 };

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

/* With these bits a process can reach abstract sockets, and signal processes, only within its own
 * Landlock domain. They exist since version 6. */
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };

/* Everything that a ruleset refuses unless one of its rules allows it. */
struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

/* All rights to change a file or a directory. */
static const uint64_t CHANGE = FS_WRITE_FILE | FS_REMOVE_DIRECTORY | FS_REMOVE_FILE |
	FS_MAKE_CHARACTER_DEVICE | FS_MAKE_DIRECTORY | FS_MAKE_REGULAR_FILE | FS_MAKE_SOCKET |
	FS_MAKE_FIFO | FS_MAKE_BLOCK_DEVICE | FS_MAKE_SYMBOLIC_LINK | FS_REFER | FS_TRUNCATE;
static const uint64_t MAKE_DEVICE = FS_MAKE_CHARACTER_DEVICE | FS_MAKE_BLOCK_DEVICE;

/* Returns the rights to change that a kernel with this version of Landlock can refuse. */
static uint64_t changes_known_to(int version)
{
	uint64_t change = CHANGE;
	if (version < LANDLOCK_WITH_REFER)
		change &= ~(uint64_t)FS_REFER;
	if (version < LANDLOCK_WITH_TRUNCATE)
		change &= ~(uint64_t)FS_TRUNCATE;
	return change;
}

/* Returns everything that the settings want refused, as far as this version can refuse it. */
static struct ruleset ruleset_known_to(int version, const struct network *network)
{
	struct ruleset rules = {.files = FS_EXECUTE | changes_known_to(version)};
	if (version >= LANDLOCK_WITH_NETWORK && network->limits_bind)
		rules.net |= NET_BIND_TCP;
	if (version >= LANDLOCK_WITH_NETWORK && network->limits_connect)
		rules.net |= NET_CONNECT_TCP;
	if (version >= LANDLOCK_WITH_DEVICES)
		rules.files |= FS_IOCTL_DEVICE;
	if (version >= LANDLOCK_WITH_SCOPES)
		rules.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	if (version >= LANDLOCK_WITH_SOCKETS && network->limits_sockets)
		rules.files |= FS_RESOLVE_UNIX;
	return rules;
}

/* Returns the number of bytes of struct ruleset that this version of Landlock knows. */
static size_t ruleset_bytes(int version)
{
	if (version < LANDLOCK_WITH_NETWORK)
		return offsetof(struct ruleset, net);
	if (version < LANDLOCK_WITH_SCOPES)
		return offsetof(struct ruleset, scoped);
	return sizeof(struct ruleset);
}

/* Grants `access` to the open file, or to all files below the open directory. Failures, for example
 * of descriptor -1, are ignored, because they leave the process with fewer rights. */
static void allow(int rules, uint64_t access, int beneath)
{
	struct __attribute__((packed)) {
		uint64_t access;
		int32_t beneath;
	} rule = {access, beneath};
	syscall(LANDLOCK_ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0);
}

static void allow_path(int rules, uint64_t access, const char *path)
{
	const int file = open(path, O_PATH | O_CLOEXEC);
	/* Without this the program would be refused for a lack of rights. */
	if (file < 0 && is_shortage(errno))
		fail(UNDECIDED, "Cannot allow \"%s\": %m", path);
	allow(rules, access, file);
}

/* Grants execution of the dynamic loader that an ELF program names (PT_INTERP), because the kernel
 * executes it with the program. If the ELF file is damaged or its PT_INTERP is not among the first
 * 64 program headers, the loader is not allowed and the program does not start. */
static void allow_loader(int rules, int program)
{
	enum { MAX_PROGRAM_HEADERS = 64 };
	Elf64_Ehdr head;
	ssize_t got = pread(program, &head, sizeof head, 0);
	if (got != sizeof head)
		return;
	for (int i = 0; i < head.e_phnum && i < MAX_PROGRAM_HEADERS; i++) {
		Elf64_Phdr part;
		const off_t start = (off_t)(head.e_phoff + (uint64_t)i * sizeof part);
		got = pread(program, &part, sizeof part, start);
		if (got != sizeof part)
			return;

		char path[PATH_MAX];
		if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz > sizeof path)
			continue;
		got = pread(program, path, part.p_filesz, (off_t)part.p_offset);
		if (got != (ssize_t)part.p_filesz)
			return;
		path[part.p_filesz - 1] = '\0';
		allow_path(rules, FS_EXECUTE, path);
	}
}

static void allow_ports(int rules, uint64_t access, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct {
			uint64_t access;
			uint64_t port;
		} rule = {access, ports[i]};
		syscall(LANDLOCK_ADD_RULE, rules, RULE_NET_PORT, &rule, 0);
	}
}

/* Allows the ports and the sockets with a path that the settings name, and the socket of the system
 * log. Rights that the ruleset does not refuse need no rule. */
static void allow_network(int rules, const struct ruleset *refused, const struct network *network)
{
	if ((refused->net & NET_BIND_TCP) != 0)
		allow_ports(rules, NET_BIND_TCP, network->bind, network->bind_count);
	if ((refused->net & NET_CONNECT_TCP) != 0)
		allow_ports(rules, NET_CONNECT_TCP, network->connect, network->connect_count);
	if ((refused->files & FS_RESOLVE_UNIX) != 0) {
		allow_path(rules, FS_RESOLVE_UNIX, "/dev/log");
		for (size_t i = 0; i < network->socket_count; i++)
			allow_path(rules, FS_RESOLVE_UNIX, network->sockets[i]);
	}
}

/* Allows ioctl() on the terminals at descriptors 0 to 2, which the program may open again by path,
 * and on /dev/tty. The filter of lockdown.c refuses the requests that put text into a terminal's
 * input. */
static void allow_terminals(int rules)
{
	for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
		const bool is_terminal = isatty(descriptor) == 1;
		if (is_terminal)
			allow(rules, FS_IOCTL_DEVICE, descriptor);
	}
	allow_path(rules, FS_IOCTL_DEVICE, "/dev/tty");
}

int landlock_version(void)
{
	const long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	return version < 0 ? 0 : (int)version;
}

int restrict_by_landlock(const struct settings *settings, int program, const int *granted)
{
	const int version = landlock_version();
	const struct ruleset refused = ruleset_known_to(version, &settings->network);
	const uint64_t change = changes_known_to(version);
	const uint64_t control = refused.files & FS_IOCTL_DEVICE;
	const size_t size = ruleset_bytes(version);
	const int rules = (int)syscall(LANDLOCK_CREATE_RULESET, &refused, size, 0);
	if (version >= 1 && rules < 0 && is_shortage(errno))
		fail(UNDECIDED, "Cannot restrict by Landlock: %m");
	if (version < 1 || rules < 0)
		return 0;

	/* AT_EXECVE_CHECK admits files of signed trees only if Landlock allows to execute them.
	 * lockdown.c refuses the system calls that would really execute them. */
	allow(rules, FS_EXECUTE, program);
	allow_loader(rules, program);
	for (size_t i = 0; i < settings->tree_count; i++)
		allow_path(rules, FS_EXECUTE, settings->real_trees[i]);

	allow_path(rules, change & (FS_WRITE_FILE | FS_TRUNCATE), "/dev/null");
	if (settings->audit != NULL && !settings->collects) {
		/* O_NOFOLLOW is needed because a symbolic link could lead to another file. */
		const int events = open(settings->audit, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (events < 0 && is_shortage(errno))
			fail(UNDECIDED, "Cannot allow \"%s\": %m", settings->audit);
		allow(rules, FS_WRITE_FILE, events);
		allow(rules, FS_WRITE_FILE, granted[settings->writable_count]);
	}
	for (size_t i = 0; i < settings->writable_count; i++)
		allow(rules, (change & ~MAKE_DEVICE) | control, granted[i]);
	if (control != 0)
		allow_terminals(rules);
	allow_network(rules, &refused, &settings->network);

	const int no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (no_new_privileges != 0)
		return 0;
	const unsigned flags = version < LANDLOCK_WITH_LOG ? 0 : RESTRICT_SELF_LOG_NEW_EXEC_ON;
	const long restricted = syscall(LANDLOCK_RESTRICT_SELF, rules, flags);
	if (restricted != 0 && is_shortage(errno))
		fail(UNDECIDED, "Cannot restrict by Landlock: %m");
	if (restricted != 0)
		return 0;
	close(rules);
	return version;
}

void restrict_writing_to(int directory)
{
	const int version = landlock_version();
	const struct network network = {0};
	const struct ruleset refused = ruleset_known_to(version, &network);
	const int rules = (int)syscall(LANDLOCK_CREATE_RULESET, &refused, ruleset_bytes(version), 0);
	if (version < 1 || rules < 0)
		return;
	allow(rules, FS_WRITE_FILE | FS_MAKE_REGULAR_FILE, directory);
	syscall(LANDLOCK_RESTRICT_SELF, rules, 0);
	close(rules);
}
