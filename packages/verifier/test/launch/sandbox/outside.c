/* Runs a process of the same user outside of the launcher. Probes try to reach it. It accepts on
 * two TCP ports, on abstract sockets and on sockets with a path, and ignores SIGUSR1.
 *
 * Arguments: the abstract name, and the directory of the sockets with a path. Prints two ports at
 * which it listens and two ports that are free. Ends when standard input ends. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STANDARD_INPUT, TCP, LISTED_TCP, STREAM, DATAGRAM, PATH_STREAM, PATH_DATAGRAM, COUNT };

/* Returns a TCP socket that is bound to a port of the kernel's choice. */
static int bind_port(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof address;
	const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	bind(socket_, (struct sockaddr *)&address, size);
	getsockname(socket_, (struct sockaddr *)&address, &size);
	*port = ntohs(address.sin_port);
	return socket_;
}

/* Returns a bound socket of AF_UNIX. An abstract name begins with a NUL, so its `offset` is 1. */
static int bind_name(int kind, size_t offset, const char *prefix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *suffix = kind == SOCK_STREAM ? "stream" : "datagram";
	const size_t room = sizeof address.sun_path - offset;
	snprintf(address.sun_path + offset, room, "%s.%s", prefix, suffix);
	const size_t length = offset + strlen(address.sun_path + offset);
	const int socket_ = socket(AF_UNIX, kind, 0);
	const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (bind(socket_, (struct sockaddr *)&address, size) != 0)
		perror(prefix);
	return socket_;
}

int main(int argc, char **argv)
{
	int ports[4];
	struct pollfd files[COUNT];
	if (argc != 3)
		return 2;
	signal(SIGUSR1, SIG_IGN);
	files[STANDARD_INPUT].fd = STDIN_FILENO;
	files[TCP].fd = bind_port(&ports[0]);
	files[LISTED_TCP].fd = bind_port(&ports[1]);
	files[STREAM].fd = bind_name(SOCK_STREAM, 1, argv[1]);
	files[DATAGRAM].fd = bind_name(SOCK_DGRAM, 1, argv[1]);
	files[PATH_STREAM].fd = bind_name(SOCK_STREAM, 0, argv[2]);
	files[PATH_DATAGRAM].fd = bind_name(SOCK_DGRAM, 0, argv[2]);
	const int listening[] = {TCP, LISTED_TCP, STREAM, PATH_STREAM};
	for (int i = 0; i < 4; i++)
		listen(files[listening[i]].fd, SOMAXCONN);
	const int free_ports[] = {bind_port(&ports[2]), bind_port(&ports[3])};
	for (int i = 0; i < 2; i++)
		close(free_ports[i]);
	printf("%d %d %d %d\n", ports[0], ports[1], ports[2], ports[3]);
	fflush(stdout);

	for (int i = 0; i < COUNT; i++)
		files[i].events = POLLIN;
	for (;;) {
		poll(files, COUNT, -1);
		if (files[STANDARD_INPUT].revents != 0)
			return 0;
		for (int i = TCP; i < COUNT; i++) {
			char byte;
			if (files[i].revents == 0)
				continue;
			if (i == DATAGRAM || i == PATH_DATAGRAM)
				recv(files[i].fd, &byte, 1, 0);
			else
				close(accept(files[i].fd, NULL, NULL));
		}
	}
}
