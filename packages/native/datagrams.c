/*
 * Sends messages to a datagram socket that has a path, which Node.js cannot. JavaScript gets this
 * function:
 *
 *   sendDatagram(path, message) → true | number
 *
 * The number is the errno of a failed call. The function never waits: a receiver without room is
 * EAGAIN. A message with no room in a datagram goes as a sealed file in memory, whose descriptor is
 * in an empty datagram. systemd's journal takes messages in both forms (systemd's
 * JOURNAL_NATIVE_PROTOCOL).
 */

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "module.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct message {
	void *bytes;
	size_t size;
};

static napi_value send_datagram(napi_env env, napi_callback_info info);
static int send_to(const struct sockaddr_un *address, const struct message *message);
static int send_file(
	int receiver, const struct sockaddr_un *address, const struct message *message);
static int sealed_file(const struct message *message);

bool register_datagrams(napi_env env, napi_value exports)
{
	return register_function(env, exports, "sendDatagram", send_datagram, NULL);
}

static napi_value send_datagram(napi_env env, napi_callback_info info)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t given = 2;
	napi_value arguments[2];
	size_t path_bytes;
	struct message message;
	int type;
	int error = EINVAL;
	/* A path that fills the buffer to the end may have been cut. */
	if (!napi_get_cb_info(env, info, &given, arguments, NULL, NULL) && given == 2 &&
		!napi_get_value_string_utf8(
			env, arguments[0], address.sun_path, sizeof address.sun_path, &path_bytes) &&
		path_bytes > 0 && path_bytes < sizeof address.sun_path - TEXT_CUT_BYTES &&
		strlen(address.sun_path) == path_bytes &&
		!napi_get_typedarray_info(
			env, arguments[1], &type, &message.size, &message.bytes, NULL, NULL) &&
		type == NAPI_UINT8_ARRAY)
		error = send_to(&address, &message);
	napi_value result;
	const napi_status failed =
		error == 0 ? napi_get_boolean(env, true, &result) : napi_create_int32(env, error, &result);
	return failed ? NULL : result;
}

/* Returns 0 or an errno. */
static int send_to(const struct sockaddr_un *address, const struct message *message)
{
	const int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver < 0)
		return errno;
	const ssize_t sent = sendto(receiver, message->bytes, message->size, MSG_NOSIGNAL,
		(const struct sockaddr *)address, sizeof *address);
	int error = sent < 0 ? errno : 0;
	if (error == EMSGSIZE || error == ENOBUFS)
		error = send_file(receiver, address, message);
	close(receiver);
	return error;
}

static int send_file(int receiver, const struct sockaddr_un *address, const struct message *message)
{
	const int file = sealed_file(message);
	if (file < 0)
		return errno;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	memset(&control, 0, sizeof control);
	const struct msghdr datagram = {
		.msg_name = (void *)address,
		.msg_namelen = sizeof *address,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *const header = CMSG_FIRSTHDR(&datagram);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof file);
	memcpy(CMSG_DATA(header), &file, sizeof file);
	const int error = sendmsg(receiver, &datagram, MSG_NOSIGNAL) < 0 ? errno : 0;
	close(file);
	return error;
}

/* Returns the descriptor of a file that nobody can change, or -1 with errno. */
static int sealed_file(const struct message *message)
{
	const int file = memfd_create("sigtool-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0)
		return -1;
	const char *const bytes = message->bytes;
	size_t written = 0;
	while (written < message->size) {
		const ssize_t part = write(file, bytes + written, message->size - written);
		if (part < 0)
			break;
		written += (size_t)part;
	}
	if (written == message->size &&
		!fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		return file;
	const int error = errno;
	close(file);
	errno = error;
	return -1;
}

#else

/* Other systems have no journal. */
bool register_datagrams(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
	return true;
}

#endif
