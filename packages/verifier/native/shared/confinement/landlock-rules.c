#define _GNU_SOURCE
#include "landlock-rules.h"
#include "../process/exit-status.h"
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The numbers of the system calls. */
enum {
	LANDLOCK_CREATE_RULESET = 444,
	LANDLOCK_ADD_RULE = 445,
	LANDLOCK_RESTRICT_SELF = 446,
};

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

/* With these bits a process can reach abstract sockets, and signal processes, only within its own
 * Landlock domain. They exist since version 6. */
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };

/* All rights to change a file or a directory. */
static const uint64_t CHANGE = FS_WRITE_FILE | FS_REMOVE_DIRECTORY | FS_REMOVE_FILE |
	FS_MAKE_CHARACTER_DEVICE | FS_MAKE_DIRECTORY | FS_MAKE_REGULAR_FILE | FS_MAKE_SOCKET |
	FS_MAKE_FIFO | FS_MAKE_BLOCK_DEVICE | FS_MAKE_SYMBOLIC_LINK | FS_REFER | FS_TRUNCATE;

uint64_t changes_known_to(int version)
{
	uint64_t change = CHANGE;
	if (version < LANDLOCK_WITH_REFER)
		change &= ~(uint64_t)FS_REFER;
	if (version < LANDLOCK_WITH_TRUNCATE)
		change &= ~(uint64_t)FS_TRUNCATE;
	return change;
}

struct ruleset ruleset_known_to(int version)
{
	struct ruleset rules = {.files = FS_EXECUTE | changes_known_to(version)};
	if (version >= LANDLOCK_WITH_DEVICES)
		rules.files |= FS_IOCTL_DEVICE;
	if (version >= LANDLOCK_WITH_SCOPES)
		rules.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
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

int landlock_version(void)
{
	const long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	return version < 0 ? 0 : (int)version;
}

int make_ruleset(int version, const struct ruleset *refused)
{
	return (int)syscall(LANDLOCK_CREATE_RULESET, refused, ruleset_bytes(version), 0);
}

void allow_beneath(int rules, uint64_t access, int beneath)
{
	struct __attribute__((packed)) {
		uint64_t access;
		int32_t beneath;
	} rule = {access, beneath};
	syscall(LANDLOCK_ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0);
}

void allow_port(int rules, uint64_t access, uint16_t port)
{
	const struct {
		uint64_t access;
		uint64_t port;
	} rule = {access, port};
	syscall(LANDLOCK_ADD_RULE, rules, RULE_NET_PORT, &rule, 0);
}

int enforce_ruleset(int version, int rules)
{
	/* Without this flag the kernel logs no refusal after an execve(). */
	enum { RESTRICT_SELF_LOG_NEW_EXEC_ON = 2 };
	const unsigned flags = version < LANDLOCK_WITH_LOG ? 0 : RESTRICT_SELF_LOG_NEW_EXEC_ON;
	const int result = (int)syscall(LANDLOCK_RESTRICT_SELF, rules, flags);
	if (result == 0)
		close(rules);
	return result;
}

bool restrict_writing_to(int directory)
{
	const int version = landlock_version();
	if (version < 1)
		return is_answer(errno);
	const struct ruleset refused = ruleset_known_to(version);
	const int rules = make_ruleset(version, &refused);
	if (rules < 0)
		return is_answer(errno);
	allow_beneath(rules, FS_WRITE_FILE | FS_MAKE_REGULAR_FILE, directory);
	const bool is_decided = syscall(LANDLOCK_RESTRICT_SELF, rules, 0) == 0 || is_answer(errno);
	close(rules);
	return is_decided;
}
