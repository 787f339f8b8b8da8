/* Guarantees by Landlock that, after restrict_files(), this process and the programs that it
 * executes can execute or change only files that the settings allow. This file assumes that the
 * kernel is intact. Reading is not restricted. Descriptors that are already open are not restricted
 * either.
 *
 * Rights, system call numbers and structures are defined here, because the headers of a
 * distribution may be older than its kernel. The numbers are the same on x86-64 and arm64. The
 * source is include/uapi/linux/landlock.h of Linux 6.2. */
#define _GNU_SOURCE
#include "launch.h"
#include <elf.h>
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

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* The access rights. Each is one bit. */
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
	if (version < 2)
		change &= ~(uint64_t)FS_REFER;
	if (version < 3)
		change &= ~(uint64_t)FS_TRUNCATE;
	return change;
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

int restrict_files(const struct settings *settings, int program, const int *granted)
{
	const int version = (int)syscall(LANDLOCK_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	const uint64_t change = changes_known_to(version);
	const uint64_t handled = change | FS_EXECUTE;
	const int rules = (int)syscall(LANDLOCK_CREATE_RULESET, &handled, sizeof handled, 0);
	if (version < 1 || rules < 0)
		return -1;

	/* AT_EXECVE_CHECK admits files of signed trees only if Landlock allows to execute them.
	 * lockdown.c refuses the system calls that would really execute them. */
	allow(rules, FS_EXECUTE, program);
	allow_loader(rules, program);
	for (size_t i = 0; i < settings->tree_count; i++)
		allow_path(rules, FS_EXECUTE, settings->trees[i]);

	allow_path(rules, change & (FS_WRITE_FILE | FS_TRUNCATE), "/dev/null");
	if (settings->audit != NULL) {
		/* O_NOFOLLOW is needed because a symbolic link could lead to another file. */
		const int events = open(settings->audit, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		allow(rules, FS_WRITE_FILE, events);
	}
	for (size_t i = 0; i < settings->writable_count; i++)
		allow(rules, change & ~MAKE_DEVICE, granted[i]);

	const int no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (no_new_privileges != 0)
		return -1;
	const long restricted = syscall(LANDLOCK_RESTRICT_SELF, rules, 0);
	if (restricted != 0)
		return -1;
	close(rules);
	return version;
}
