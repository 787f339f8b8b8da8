#define _GNU_SOURCE
#include "syslog.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CRITICAL = 10 << 3 | 2, NOTICE = 10 << 3 | 5 };

/* A socket of its own each time: a program could close one that is kept, and open a file that gets
 * its number. */
bool log_to_system(const char *program, const char *text, bool is_refusal)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	static const char MONTHS[] =
		"JanFebMarAprMayJunJulAugSepOctNovDec"; /* RFC 3164's, in whatever language the program
												   speaks */
	char head[128];
	struct tm local;
	localtime_r(&(time_t){time(NULL)}, &local);
	snprintf(head, sizeof head,
		"<%d>%.3s %2d %02d:%02d:%02d %s[%d]: ", is_refusal ? CRITICAL : NOTICE,
		MONTHS + 3 * local.tm_mon, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
		program, getpid());
	struct iovec parts[] = {{head, strlen(head)}, {(void *)text, strlen(text)}};
	const struct msghdr message = {
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = parts, .msg_iovlen = 2};
	int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ssize_t sent = sendmsg(log, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(log);
	return sent == (ssize_t)(parts[0].iov_len + parts[1].iov_len);
}
