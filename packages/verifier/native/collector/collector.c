/* Starts the collector, and runs it.
 *
 * The program has one end of a socket, which can only send, and a page that only the collector can
 * write to. The kernel says which process has sent a message. The collector ends by itself when no
 * process has the sending end any more. It is a child of the program, but one that wait(2) does not
 * see: so a program that is process 1 of a container stays that, and none waits for it by mistake.
 */
#define _GNU_SOURCE
#include "collector.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SENDING, RECEIVING };
enum { NOEXEC_SEAL = 8 /* MFD_NOEXEC_SEAL, Linux 6.3 */, FUTURE_WRITE = 16 /* Linux 5.1 */ };
enum { PASS_RIGHTS = 83 /* SO_PASSRIGHTS, Linux 6.16 */ };
/* The most descriptors that one message brings, and how many may have come in all before the
 * collector receives nothing more. */
enum { MOST_RIGHTS = 253, MOST_KEPT = 256 };

/* Leaves the descriptors open that came with a message, because closing one can take as long as the
 * program wishes: a socket with SO_LINGER waits for its peer. Returns how many came. */
static size_t keep_rights(struct msghdr *message)
{
	size_t count = 0;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
			count += (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	}
	return count;
}

/* Receives into `to`. Returns the number of bytes that were sent, of which at most MESSAGE_ROOM are
 * there, 0 if there was no message, or -1 if nobody has the sending end any more or too many
 * descriptors have come. */
static ssize_t receive(int socket, char *to, int flags, pid_t *sender)
{
	static size_t kept;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MOST_RIGHTS * sizeof(int))];
	} control;
	struct iovec part = {to, MESSAGE_ROOM};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	if (kept >= MOST_KEPT)
		return -1;
	const ssize_t length = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	const struct cmsghdr *from = CMSG_FIRSTHDR(&message);
	struct ucred credentials = {0};
	if (length < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOMEM ? 0 : -1;
	/* A message has credentials, even one without bytes. The end has none. */
	if (length == 0 && from == NULL)
		return -1;
	if (from != NULL && from->cmsg_level == SOL_SOCKET && from->cmsg_type == SCM_CREDENTIALS)
		memcpy(&credentials, CMSG_DATA(from), sizeof credentials);
	*sender = credentials.pid;
	kept += keep_rights(&message);
	if (length == 0)
		to[0] = '\0';
	return length == 0 ? 1 : length;
}

/* Adds the messages that are there. Waits for the first. Returns false at the end. */
static bool receive_batch(int socket)
{
	int flags = 0;
	for (;;) {
		pid_t sender;
		char *room = room_for_message();
		if (room == NULL)
			return true;
		const ssize_t length = receive(socket, room, flags, &sender);
		if (length <= 0)
			return length == 0;
		add_message((size_t)length, sender);
		flags = MSG_DONTWAIT;
	}
}

/* A process closes its descriptors just before it ends. */
static bool has_ended(int program)
{
	struct pollfd end = {.fd = program, .events = POLLIN};
	return program < 0 || poll(&end, 1, NOTICE_SECONDS * 1000) != 0;
}

_Noreturn static void collect(int socket, int program)
{
	while (receive_batch(socket))
		write_batch();
	write_batch();
	if (!has_ended(program))
		write_own("log.abandoned", RECORD);
	_exit(0);
}

/* Leaves only the descriptors that the collector uses. The launcher has closed all above
 * ANSWERS_DESCRIPTOR at its start. */
static void close_others(int socket)
{
	enum { MOST = 256 };
	for (int descriptor = 0; descriptor < MOST; descriptor++) {
		if (descriptor != STDERR_FILENO && descriptor != socket && !is_of_log(descriptor))
			close(descriptor);
	}
	/* Files that are opened later must not get these numbers. */
	open("/dev/null", O_RDWR);
	open("/dev/null", O_RDWR);
}

_Noreturn static void run_collector(const char *path, int socket)
{
	const int on = 1;
	close_others(socket);
	const int program = (int)syscall(SYS_pidfd_open, getppid(), 0);
	/* Before Linux 5.3 there is no such descriptor. */
	if ((program < 0 && !is_answer(errno)) ||
		setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
		!confine_collector(path))
		_exit(errno);
	collect(socket, program);
}

/* Returns the descriptor of the page, which is mapped at `answer_words`, or -1. */
static int make_page(void)
{
	static const char NAME[] = "sigtool-answers";
	int page = (int)syscall(SYS_memfd_create, NAME, NOEXEC_SEAL | MFD_CLOEXEC);
	if (page < 0)
		page = (int)syscall(SYS_memfd_create, NAME, MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (page < 0 || ftruncate(page, ANSWER_PAGE_BYTES) != 0)
		return -1;
	void *mapped = mmap(NULL, ANSWER_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	if (mapped == MAP_FAILED)
		return -1;
	answer_words = mapped;
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | FUTURE_WRITE;
	return fcntl(page, F_ADD_SEALS, seals) == 0 ? page : -1;
}

/* Makes the kernel refuse messages with descriptors. Before Linux 6.16 keep_rights() takes them. */
static void refuse_rights(int socket)
{
	const int off = 0;
	setsockopt(socket, SOL_SOCKET, PASS_RIGHTS, &off, sizeof off);
}

/* Moves a descriptor to a number that an executed program inherits. */
static bool pass_on(int descriptor, int number)
{
	const bool is_passed = dup2(descriptor, number) == number;
	close(descriptor);
	return is_passed;
}

/* Returns why the collector ended before it took a message, as an errno. */
static int reason_of_end(pid_t collector)
{
	int status;
	/* A child that sends no signal when it ends is visible to this kind of wait alone. */
	const bool is_known = waitpid(collector, &status, __WALL) == collector && WIFEXITED(status);
	return is_known ? WEXITSTATUS(status) : EPIPE;
}

bool start_collector(const char *path)
{
	int ends[2];
	const int page = make_page();
	if (page < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	if (shutdown(ends[SENDING], SHUT_RD) != 0)
		return false;
	enlarge_channel(ends[SENDING]);
	refuse_rights(ends[RECEIVING]);
	/* The program must not meet a child that it did not start, so this one sends no signal. */
	const long child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child < 0)
		return false;
	if (child == 0)
		run_collector(path, ends[RECEIVING]);
	close(ends[RECEIVING]);
	close_log();
	munmap((void *)answer_words, ANSWER_PAGE_BYTES);
	if (pass_on(ends[SENDING], CHANNEL_DESCRIPTOR) && pass_on(page, ANSWERS_DESCRIPTOR) &&
		open_channel() && send_lines("", 0, true))
		return true;
	if (errno == EPIPE || errno == ECONNRESET)
		errno = reason_of_end((pid_t)child);
	return false;
}
