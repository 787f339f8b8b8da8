/* Tries if a restricted process can signal others by way of a file: it makes its process group the
 * receiver of a socket's signals, chooses SIGUSR1, and makes the socket ready. Landlock's scope of
 * signals is no proof, because kernels with that scope judged only one member of the group. So an
 * attempt tells what holds, and not the version of the kernel. */
#define _GNU_SOURCE
#include "protections.h"
#include "refusal.h"
#include "../shared/confinement/landlock-rules.h"
#include "../shared/confinement/lockdown.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Restricts the process as a start does, as far as signals go. */
static void restrict_signals(void)
{
	const int version = landlock_version();
	const struct ruleset refused = ruleset_known_to(version);
	const int rules = make_ruleset(version, &refused);
	if (rules >= 0)
		enforce_ruleset(version, rules);
	restrict_calls(NULL, 0);
}

static _Noreturn void attack(void)
{
	int ends[2];
	const int group = -getpgrp();
	const struct f_owner_ex owner = {F_OWNER_PGRP, getpgrp()};
	restrict_signals();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		_exit(1);
	fcntl(ends[0], F_SETOWN, group);
	fcntl(ends[0], F_SETOWN_EX, &owner);
	ioctl(ends[0], FIOSETOWN, &group);
	ioctl(ends[0], SIOCSPGRP, &group);
	fcntl(ends[0], F_SETSIG, SIGUSR1);
	fcntl(ends[0], F_SETFL, O_ASYNC);
	_exit(write(ends[1], "", 1) == 1 ? 0 : 1);
}

/* Leads a group of its own, so that no signal can reach anybody else. Returns true if a restricted
 * member of this group failed to signal it. */
static bool is_spared(void)
{
	sigset_t signals;
	int status;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGIO);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (setpgid(0, 0) != 0)
		return false;
	const pid_t attacker = fork();
	if (attacker == 0)
		attack();
	const bool has_tried = attacker > 0 && waitpid(attacker, &status, 0) == attacker && status == 0;
	sigpending(&signals);
	return has_tried && !sigismember(&signals, SIGUSR1) && !sigismember(&signals, SIGIO);
}

bool refuses_signal_owners(void)
{
	int status;
	const pid_t group = fork();
	if (group == 0)
		_exit(is_spared() ? 0 : 1);
	if (group < 0 || waitpid(group, &status, 0) != group)
		fail(status_of(errno), "Cannot try the protections: %m");
	return status == 0;
}
