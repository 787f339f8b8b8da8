/* Probes that reach another process of the same user: by signals, by files that send signals to
 * their owner, and by sockets that have a name or a path. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static pid_t neighbour(void)
{
	return atoi(setting("PROBE_PID"));
}

static int try_kill(long signal)
{
	return outcome(kill(neighbour(), (int)signal));
}

static int try_tgkill(long signal)
{
	return outcome(syscall(SYS_tgkill, neighbour(), neighbour(), signal));
}

static int try_sigqueue(long signal)
{
	const union sigval value = {0};
	return outcome(sigqueue(neighbour(), (int)signal, value));
}

static int try_pidfd(long signal)
{
	const int process = (int)syscall(SYS_pidfd_open, neighbour(), 0);
	return outcome(syscall(SYS_pidfd_send_signal, process, signal, NULL, 0));
}

static int try_own_signal(long unused)
{
	(void)unused;
	return outcome(kill(getppid(), 0));
}

/* Makes a process or group the owner of a socket, which then gets its signals. Nothing makes the
 * socket send one, because the group of the probe is also that of the suite. */
static int try_owner(long request)
{
	const int socket_ = socket(AF_UNIX, SOCK_STREAM, 0);
	const int group = -getpgrp();
	const struct f_owner_ex owner = {F_OWNER_PGRP, getpgrp()};
	switch (request) {
	case F_SETOWN:
		return outcome(fcntl(socket_, F_SETOWN, neighbour()));
	case F_SETOWN_EX:
		return outcome(fcntl(socket_, F_SETOWN_EX, &owner));
	case F_SETSIG:
		return outcome(fcntl(socket_, F_SETSIG, SIGUSR1));
	default:
		return outcome(ioctl(socket_, (unsigned long)request, &group));
	}
}

static int try_owner_group(long unused)
{
	(void)unused;
	return outcome(fcntl(socket(AF_UNIX, SOCK_STREAM, 0), F_SETOWN, -getpgrp()));
}

/* The parent is the launched process, or the one that the suite started unguarded. */
static int try_own_owner(long process)
{
	const int owner = process == 0 ? 0 : getppid();
	return outcome(fcntl(socket(AF_UNIX, SOCK_STREAM, 0), F_SETOWN, owner));
}

/* Leaves the group for a new one, then returns to it. */
static int try_join_group(long unused)
{
	(void)unused;
	const pid_t before = getpgrp();
	if (setpgid(0, 0) != 0)
		return NO_EFFECT;
	return outcome(setpgid(0, before));
}

static int try_lead_group(long by_number)
{
	return outcome(by_number ? setpgid(getpid(), getpid()) : setpgid(0, 0));
}

static int try_lead_session(long unused)
{
	(void)unused;
	return outcome(setsid());
}

/* Connects to PROBE_NAME.stream or sends to PROBE_NAME.datagram. PROBE_NAME is both an abstract
 * name and, after PROBE_SOCKETS, a path. */
static int reach(long kind, const char *prefix, size_t offset)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path + offset, sizeof address.sun_path - offset, "%s.%s", prefix,
		kind == SOCK_STREAM ? "stream" : "datagram");
	const size_t length = offset + strlen(address.sun_path + offset);
	const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	const int socket_ = socket(AF_UNIX, (int)kind, 0);
	if (kind == SOCK_STREAM)
		return outcome(connect(socket_, (struct sockaddr *)&address, size));
	return outcome(sendto(socket_, "x", 1, 0, (struct sockaddr *)&address, size));
}

static int try_abstract(long kind)
{
	/* An abstract name begins with a NUL. */
	return reach(kind, setting("PROBE_NAME"), 1);
}

static int try_path(long kind)
{
	return reach(kind, setting("PROBE_SOCKETS"), 0);
}

const struct probe REACH[] = {
	{"signal-0", try_kill, 0},
	{"signal-usr1", try_kill, SIGUSR1},
	{"signal-tgkill", try_tgkill, SIGUSR1},
	{"signal-sigqueue", try_sigqueue, SIGUSR1},
	{"signal-pidfd", try_pidfd, SIGUSR1},
	{"signal-own", try_own_signal, 0},
	{"signal-owner", try_owner, F_SETOWN},
	{"signal-owner-group", try_owner_group, 0},
	{"signal-owner-extended", try_owner, F_SETOWN_EX},
	{"signal-owner-request", try_owner, FIOSETOWN},
	{"signal-owner-socket", try_owner, SIOCSPGRP},
	{"signal-number", try_owner, F_SETSIG},
	{"signal-owner-own", try_own_owner, 1},
	{"signal-owner-none", try_own_owner, 0},
	{"join-group", try_join_group, 0},
	{"lead-group", try_lead_group, 0},
	{"lead-group-by-number", try_lead_group, 1},
	{"lead-session", try_lead_session, 0},
	{"abstract-stream", try_abstract, SOCK_STREAM},
	{"abstract-datagram", try_abstract, SOCK_DGRAM},
	{"path-stream", try_path, SOCK_STREAM},
	{"path-datagram", try_path, SOCK_DGRAM},
	{0},
};
