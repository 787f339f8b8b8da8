/* Guarantees that lines which were waited for are in the file, whatever the program does with the
 * descriptor meanwhile: only the collector can answer. A descriptor with the socket's number that
 * is another file gets nothing, as far as it can be told before the lines are sent. */
#define _GNU_SOURCE
#include "event-channel.h"
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The time for which a thread tries to send events that nobody waits for, when the socket is full.
 */
enum { MOMENT_MS = 10, SLICE_MS = 50 };
/* The bytes that may wait in the socket. Only root can exceed net.core.wmem_max. */
enum { QUEUE_BYTES = 1 << 20 };

static const _Atomic uint32_t *answers;
static struct stat opened; /* the answer of fstat(2) for the socket, when it was taken over */
static atomic_bool is_stuck; /* the last message that nobody waits for found no room */

bool has_channel(void)
{
	return answers != NULL;
}

bool open_channel(void)
{
	if (answers != NULL)
		return true;
	if (fstat(CHANNEL_DESCRIPTOR, &opened) != 0)
		return false;
	if (!S_ISSOCK(opened.st_mode)) {
		errno = ENOTSOCK;
		return false;
	}
	void *page = mmap(NULL, ANSWER_PAGE_BYTES, PROT_READ, MAP_SHARED, ANSWERS_DESCRIPTOR, 0);
	if (page == MAP_FAILED)
		return false;
	answers = page;
	return true;
}

void enlarge_channel(int socket)
{
	const int size = QUEUE_BYTES / 2;
	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static bool is_own(void)
{
	struct stat now;
	return fstat(CHANNEL_DESCRIPTOR, &now) == 0 && now.st_dev == opened.st_dev &&
		now.st_ino == opened.st_ino;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns a ticket that no other thread or process of the program is likely to use now. */
static uint32_t new_ticket(void)
{
	static atomic_uint count;
	uint64_t mixed = ((uint64_t)getpid() << 32) + atomic_fetch_add(&count, 1);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* These are steps of SplitMix64, by Sebastiano Vigna. */
	mixed += (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15;
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
	const uint32_t ticket = (uint32_t)(mixed >> 33);
	return ticket == 0 ? 1 : ticket;
}

/* Sends one message by the time `until`. Returns false with errno if that fails. */
static bool send_message(uint32_t ticket, const char *lines, size_t length, int64_t until)
{
	struct message_head head = {ticket};
	struct iovec parts[] = {{&head, sizeof head}, {(void *)lines, length}};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	for (;;) {
		if (!is_own()) {
			errno = EBADF;
			return false;
		}
		const ssize_t sent = sendmsg(CHANNEL_DESCRIPTOR, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent >= 0)
			return sent == (ssize_t)(sizeof head + length);
		if (errno == EINTR)
			continue;
		const int64_t left = until - milliseconds_now();
		if (errno == EMSGSIZE && left > 0) {
			/* The program has made the queue too small for a message. */
			enlarge_channel(CHANNEL_DESCRIPTOR);
			continue;
		}
		if ((errno != EAGAIN && errno != ENOBUFS) || left <= 0)
			return false;
		struct pollfd ready = {.fd = CHANNEL_DESCRIPTOR, .events = POLLOUT};
		poll(&ready, 1, (int)left);
	}
}

static bool is_collector_gone(void)
{
	struct pollfd end = {.fd = CHANNEL_DESCRIPTOR};
	return !is_own() || (poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR)) != 0);
}

enum answer { WRITTEN, NOT_WRITTEN, OVERWRITTEN, NONE };

/* Waits until the word has another value than `before`, and tells what it says of the ticket. */
static enum answer await(uint32_t ticket, uint32_t before, int64_t until)
{
	const _Atomic uint32_t *word = &answers[ticket % ANSWER_WORDS];
	for (;;) {
		const uint32_t value = atomic_load(word);
		if (value == ticket)
			return WRITTEN;
		if (value == (ticket | ANSWER_FAILED))
			return NOT_WRITTEN;
		if (value != before)
			return OVERWRITTEN;
		if (milliseconds_now() >= until || is_collector_gone())
			return atomic_load(word) == before ? NONE : OVERWRITTEN;
		const struct timespec slice = {.tv_nsec = SLICE_MS * 1000 * 1000};
		syscall(SYS_futex, word, FUTEX_WAIT, before, &slice, NULL, 0);
	}
}

/* Sends a message, and waits for its answer. If a refusal of another thread has used the same word
 * at the same moment, the message is sent again: twice is better than never. */
static bool send_and_await(const char *lines, size_t length)
{
	const int64_t until = milliseconds_now() + CHANNEL_SECONDS * 1000;
	for (;;) {
		uint32_t ticket = new_ticket();
		const uint32_t before = atomic_load(&answers[ticket % ANSWER_WORDS]);
		if ((before & ~ANSWER_FAILED) == ticket)
			continue;
		if (!send_message(ticket, lines, length, until))
			return false;
		const enum answer answer = await(ticket, before, until);
		if (answer == WRITTEN)
			return true;
		if (answer == OVERWRITTEN && milliseconds_now() < until)
			continue;
		errno = answer == NOT_WRITTEN ? ENOSPC : ETIMEDOUT;
		return false;
	}
}

static bool send_unanswered(const char *lines, size_t length)
{
	const int64_t now = milliseconds_now();
	const bool is_sent =
		send_message(0, lines, length, atomic_load(&is_stuck) ? now : now + MOMENT_MS);
	atomic_store(&is_stuck, !is_sent);
	return is_sent;
}

/* Returns the length of the part that the next message has: whole lines, if one fits. */
static size_t length_of_part(const char *lines, size_t length)
{
	enum { PART_BYTES = 1 << 16 };
	if (length <= PART_BYTES)
		return length;
	const char *end = memrchr(lines, '\n', PART_BYTES);
	if (end == NULL)
		end = memchr(lines, '\n', length);
	return end == NULL ? length : (size_t)(end - lines) + 1;
}

/* Gives the collector time to see that the way to it is shut although the program runs, because the
 * program may end now. Does so once. */
static void let_notice(void)
{
	static atomic_flag is_done = ATOMIC_FLAG_INIT;
	const int error = errno;
	const struct timespec pause = {.tv_sec = NOTICE_SECONDS, .tv_nsec = 250 * 1000 * 1000};
	const bool is_shut = error == EPIPE || error == ECONNRESET || error == EBADF;
	if (is_shut && !atomic_flag_test_and_set(&is_done))
		nanosleep(&pause, NULL);
	errno = error;
}

bool send_lines(const char *lines, size_t length, bool waits)
{
	bool are_taken = true;
	if (answers == NULL) {
		errno = EBADF;
		return false;
	}
	do {
		const size_t part = length_of_part(lines, length);
		const size_t sent = part < MAX_MESSAGE_BYTES ? part : MAX_MESSAGE_BYTES;
		const bool is_taken = waits ? send_and_await(lines, sent) : send_unanswered(lines, sent);
		if (waits && !is_taken)
			let_notice();
		are_taken = are_taken && is_taken;
		lines += part;
		length -= part;
	} while (length > 0);
	return are_taken;
}
