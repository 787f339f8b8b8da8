/* Probes that reach another process of the same user: by signals, and by sockets that have a name
 * or a path. */
#define _GNU_SOURCE
#include "probe.h"
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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
	{"abstract-stream", try_abstract, SOCK_STREAM},
	{"abstract-datagram", try_abstract, SOCK_DGRAM},
	{"path-stream", try_path, SOCK_STREAM},
	{"path-datagram", try_path, SOCK_DGRAM},
	{0},
};
