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
 * restricted. */
#define _GNU_SOURCE
#include "landlock.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/process/exit-status.h"
#include "../shared/confinement/landlock-rules.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Returns everything that the settings want refused, as far as this version can refuse it. */
static struct ruleset ruleset_of(int version, const struct network *network)
{
	struct ruleset rules = ruleset_known_to(version);
	if (version >= LANDLOCK_WITH_NETWORK && network->limits_bind)
		rules.net |= NET_BIND_TCP;
	if (version >= LANDLOCK_WITH_NETWORK && network->limits_connect)
		rules.net |= NET_CONNECT_TCP;
	if (version >= LANDLOCK_WITH_SOCKETS && network->limits_sockets)
		rules.files |= FS_RESOLVE_UNIX;
	return rules;
}

static void allow_path(int rules, uint64_t access, const char *path)
{
	const int file = open(path, O_PATH | O_CLOEXEC);
	/* Without this the program would be refused for a lack of rights. */
	if (file < 0)
		require_answer(path);
	allow_beneath(rules, access, file);
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
	for (size_t i = 0; i < count; i++)
		allow_port(rules, access, ports[i]);
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
			allow_beneath(rules, FS_IOCTL_DEVICE, descriptor);
	}
	allow_path(rules, FS_IOCTL_DEVICE, "/dev/tty");
}

int restrict_by_landlock(const struct settings *settings, int program, const int *granted)
{
	static const char SUBJECT[] = "Landlock";
	const int version = landlock_version();
	if (version < 1)
		require_answer(SUBJECT);
	const struct ruleset refused = ruleset_of(version, &settings->network);
	const uint64_t change = changes_known_to(version);
	const uint64_t make_device = FS_MAKE_CHARACTER_DEVICE | FS_MAKE_BLOCK_DEVICE;
	const uint64_t control = refused.files & FS_IOCTL_DEVICE;
	const int rules = make_ruleset(version, &refused);
	if (rules < 0)
		require_answer(SUBJECT);
	if (version < 1 || rules < 0)
		return 0;

	/* AT_EXECVE_CHECK admits files of signed trees only if Landlock allows to execute them.
	 * lockdown.c refuses the system calls that would really execute them. */
	allow_beneath(rules, FS_EXECUTE, program);
	allow_loader(rules, program);
	for (size_t i = 0; i < settings->tree_count; i++)
		allow_path(rules, FS_EXECUTE, settings->real_trees[i]);

	allow_path(rules, change & (FS_WRITE_FILE | FS_TRUNCATE), "/dev/null");
	if (settings->audit != NULL && !settings->collects) {
		/* O_NOFOLLOW is needed because a symbolic link could lead to another file. */
		const int events = open(settings->audit, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (events < 0)
			require_answer(settings->audit);
		allow_beneath(rules, FS_WRITE_FILE, events);
		allow_beneath(rules, FS_WRITE_FILE, granted[settings->writable_count]);
	}
	for (size_t i = 0; i < settings->writable_count; i++)
		allow_beneath(rules, (change & ~make_device) | control, granted[i]);
	if (control != 0)
		allow_terminals(rules);
	allow_network(rules, &refused, &settings->network);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && enforce_ruleset(version, rules) == 0)
		return version;
	require_answer(SUBJECT);
	return 0;
}
