/* Guarantees that the caller learns if the system log did not accept an event. libc's syslog() is
 * not used, because it reports no failure and may wait. The socket is opened for each event,
 * because code in the process could close a socket that is kept, and open a file with the same
 * number. */
#define _GNU_SOURCE
#include "syslog.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A priority is the facility authpriv with a severity (RFC 3164, section 4.1.1). */
enum { AUTHPRIV = 10 << 3, CRITICAL = AUTHPRIV | 2, NOTICE = AUTHPRIV | 5 };

/* RFC 3164 demands English names of months. strftime() would write them by the locale. */
static const char *const MONTHS[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Writes the text before the message: the priority, the time and the tag. */
static void write_head(char *head, size_t room, const char *program, bool is_refusal)
{
	const time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	snprintf(head, room, "<%d>%s %2d %02d:%02d:%02d %s[%d]: ", is_refusal ? CRITICAL : NOTICE,
		MONTHS[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, program,
		getpid());
}

bool log_to_system(const char *program, const char *text, bool is_refusal)
{
	char head[128];
	write_head(head, sizeof head, program, is_refusal);
	const size_t head_bytes = strlen(head);
	const size_t text_bytes = strlen(text);

	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	struct iovec parts[] = {
		{head, head_bytes},
		{(void *)text, text_bytes},
	};
	const struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof address,
		.msg_iov = parts,
		.msg_iovlen = sizeof parts / sizeof *parts,
	};
	const int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const ssize_t sent = sendmsg(log, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(log);
	return sent == (ssize_t)(head_bytes + text_bytes);
}
