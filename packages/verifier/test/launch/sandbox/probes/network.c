/* Probes that use TCP ports: those that a policy lists, others, and ways that Landlock does not
 * regard as TCP. The suite listens at two ports: PROBE_PORT is not in the policy's list, and
 * PROBE_LISTED is. */
#define _GNU_SOURCE
#include "probe.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PROTOCOL_MPTCP = 262, PROTOCOL_SMC = 256, PROTOCOL_SCTP = 132, FAMILY_SMC = 43, ULP = 31 };

enum way { BY_SENDTO, BY_SENDMSG, BY_SENDMMSG };

static struct sockaddr_in address_of(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(setting(port))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int connect_by(int family, int protocol, const char *port)
{
	const struct sockaddr_in address = address_of(port);
	const int socket_ = socket(family, SOCK_STREAM, protocol);
	if (socket_ < 0)
		return errno;
	return outcome(connect(socket_, (const struct sockaddr *)&address, sizeof address));
}

static int try_connect(long protocol)
{
	return connect_by(AF_INET, (int)protocol, "PROBE_PORT");
}

static int try_connect_listed(long protocol)
{
	return connect_by(AF_INET, (int)protocol, "PROBE_LISTED");
}

/* Connects an IPv6 socket to an IPv4 address. */
static int try_mapped(long unused)
{
	(void)unused;
	const struct sockaddr_in address = address_of("PROBE_PORT");
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = address.sin_port};
	mapped.sin6_addr.s6_addr[10] = 0xff;
	mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
	const int socket_ = socket(AF_INET6, SOCK_STREAM, 0);
	return outcome(connect(socket_, (struct sockaddr *)&mapped, sizeof mapped));
}

static int try_fast_open(long way)
{
	struct sockaddr_in address = address_of("PROBE_PORT");
	struct iovec part = {"x", 1};
	struct mmsghdr message = {
		.msg_hdr = {&address, sizeof address, &part, 1, NULL, 0, 0},
	};
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	if (way == BY_SENDTO)
		return outcome(
			sendto(socket_, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address));
	if (way == BY_SENDMSG)
		return outcome(sendmsg(socket_, &message.msg_hdr, MSG_FASTOPEN));
	return outcome(sendmmsg(socket_, &message, 1, MSG_FASTOPEN));
}

/* With this socket option connect() succeeds at once, and the first write connects. */
static int try_fast_open_later(long unused)
{
	(void)unused;
	const int on = 1;
	const struct sockaddr_in address = address_of("PROBE_PORT");
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(socket_, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
	const int error = outcome(connect(socket_, (const struct sockaddr *)&address, sizeof address));
	return error != 0 ? error : outcome(write(socket_, "x", 1));
}

static int bind_to(const char *port)
{
	const struct sockaddr_in address = address_of(port);
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	return outcome(bind(socket_, (const struct sockaddr *)&address, sizeof address));
}

static int try_bind(long unused)
{
	(void)unused;
	return bind_to("PROBE_FREE");
}

static int try_bind_listed(long unused)
{
	(void)unused;
	return bind_to("PROBE_FREE_LISTED");
}

/* Listens without bind(), so that the kernel chooses a port. */
static int try_listen_unbound(long unused)
{
	(void)unused;
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	return outcome(listen(socket_, 1));
}

static int try_datagram(long unused)
{
	(void)unused;
	const struct sockaddr_in address = address_of("PROBE_PORT");
	const int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
	return outcome(sendto(socket_, "x", 1, 0, (const struct sockaddr *)&address, sizeof address));
}

static int try_raw(long unused)
{
	(void)unused;
	return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
}

static int try_packet(long unused)
{
	(void)unused;
	return outcome(socket(AF_PACKET, SOCK_DGRAM, 0));
}

static int try_smc(long unused)
{
	(void)unused;
	return outcome(socket(FAMILY_SMC, SOCK_STREAM, 0));
}

/* Turns a TCP socket into an SMC socket. */
static int try_upper_protocol(long unused)
{
	(void)unused;
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	return outcome(setsockopt(socket_, IPPROTO_TCP, ULP, "smc", 4));
}

const struct probe NETWORK[] = {
	{"tcp-connect", try_connect, 0},
	{"tcp-connect-listed", try_connect_listed, 0},
	{"tcp-connect-mapped", try_mapped, 0},
	{"tcp-bind", try_bind, 0},
	{"tcp-bind-listed", try_bind_listed, 0},
	{"tcp-listen-unbound", try_listen_unbound, 0},
	{"fast-open-sendto", try_fast_open, BY_SENDTO},
	{"fast-open-sendmsg", try_fast_open, BY_SENDMSG},
	{"fast-open-sendmmsg", try_fast_open, BY_SENDMMSG},
	{"fast-open-connect", try_fast_open_later, 0},
	{"mptcp", try_connect, PROTOCOL_MPTCP},
	{"mptcp-listed", try_connect_listed, PROTOCOL_MPTCP},
	{"sctp", try_connect, PROTOCOL_SCTP},
	{"smc", try_smc, 0},
	{"smc-protocol", try_connect, PROTOCOL_SMC},
	{"smc-upper-protocol", try_upper_protocol, 0},
	{"raw-socket", try_raw, 0},
	{"packet-socket", try_packet, 0},
	{"udp", try_datagram, 0},
	{0},
};
