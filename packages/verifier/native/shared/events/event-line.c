/* Guarantees that an event is exactly one line of valid JSON, whatever the paths in it contain.
 * Texts are escaped. A text that is too long is cut, so that the rest of the line has room. */
#define _GNU_SOURCE
#include "event-line.h"
#include "../text/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Texts leave ROOM_FOR_REST bytes of a line free, and one text takes at most MAX_TEXT_BYTES. */
enum { ROOM_FOR_REST = 1 << 10, MAX_TEXT_BYTES = 5 << 10 };

/* The first descriptor after standard input, output and error. */
enum { FIRST_FREE_DESCRIPTOR = 3 };

/* Appends to the line. The caller has to know that there is room. */
__attribute__((format(printf, 2, 3))) static void put(
	struct event_line *line, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int length =
		vsnprintf(line->text + line->length, sizeof line->text - line->length, format, values);
	line->length += (size_t)length;
	va_end(values);
}

/* Reads the character at `at`, which is not NUL, and returns its length in bytes. A byte that is
 * not UTF-8 becomes a character from U+DC80 to U+DCFF, as in the paths of Python (PEP 383). */
static size_t read_character(const unsigned char *at, unsigned *code)
{
	/* SIZE_MAX reads no byte too many, because the NUL after the text ends every character. */
	const size_t length = utf8_length(at, SIZE_MAX);
	if (length == 0) {
		*code = 0xdc00 + *at;
		return 1;
	}
	if (length == 1) {
		*code = *at;
		return 1;
	}
	*code = *at & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		*code = *code << 6 | (at[i] & 0x3f);
	return length;
}

static bool is_plain(unsigned char byte)
{
	return byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';
}

/* Appends a character that is not plain as JSON, in at most 12 bytes. A character above U+FFFF
 * becomes a surrogate pair. */
static void put_escaped(struct event_line *line, unsigned code)
{
	if (code == '"' || code == '\\')
		put(line, "\\%c", code);
	else if (code > 0xffff)
		put(line, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
	else
		put(line, "\\u%04x", code);
}

static void put_string(struct event_line *line, const char *text)
{
	const size_t last = sizeof line->text - ROOM_FOR_REST;
	size_t end = line->length + MAX_TEXT_BYTES;
	if (end > last)
		end = last;
	put(line, "\"");
	const unsigned char *at = (const unsigned char *)text;
	while (*at != '\0' && line->length < end) {
		unsigned code;
		if (is_plain(*at)) {
			line->text[line->length++] = (char)*at++;
			continue;
		}
		at += read_character(at, &code);
		put_escaped(line, code);
	}
	put(line, "\"");
}

void begin_event(struct event_line *line)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	line->length = strftime(line->text, sizeof line->text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
	put(line, ".%03ldZ\"", now.tv_nsec / 1000000);
}

void compose_event(struct event_line *line, const char *event, enum verdict verdict, va_list values)
{
	/* The main thread has the number 0 in events, as in Node.js. */
	const int process = getpid();
	const int own = gettid();
	const int thread = own == process ? 0 : own;
	begin_event(line);
	put(line, ",\"event\":");
	put_string(line, event);
	put(line, ",\"verdict\":\"%s\",\"pid\":%d,\"thread\":%d", VERDICT_NAMES[verdict], process,
		thread);
	for (;;) {
		const char *name = va_arg(values, const char *);
		if (name == NULL)
			break;
		const char *value = va_arg(values, const char *);
		if (value == NULL || *value == '\0')
			continue;
		const bool is_number = *name == '#';
		put(line, ",\"%s\":", is_number ? name + 1 : name);
		if (is_number)
			put(line, "%s", value);
		else
			put_string(line, value);
	}
	put(line, "}");
}

/* Gives a new file of root to the owner of its directory, who could replace the file anyway. A
 * start by root would otherwise leave a file that the user of the service cannot append to. */
static void give_to_owner(int file, const char *path)
{
	char directory[PATH_MAX];
	struct stat status;
	const char *slash = strrchr(path, '/');
	const size_t length = slash == NULL ? 0 : (size_t)(slash - path);
	if (geteuid() != 0 || length == 0 || length >= sizeof directory)
		return;
	memcpy(directory, path, length);
	directory[length] = '\0';
	if (stat(directory, &status) != 0 || status.st_uid == 0)
		return;
	if (fchown(file, status.st_uid, status.st_gid) != 0)
		return; /* The events are written all the same. */
}

/* Opens the file once. errno is ENOENT if this user may not create the missing file. */
static int open_once(const char *path, bool creates)
{
	const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int file = open(path, flags);
	if (file < 0 && errno == ENOENT && creates) {
		file = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (file >= 0)
			give_to_owner(file, path);
		else if (errno == EEXIST)
			file = open(path, flags); /* Another process made it meanwhile. */
		else if (errno == EACCES)
			errno = ENOENT;
	}
	return file;
}

int open_event_file(const char *path, bool creates, bool waits)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	int file = open_once(path, creates);
	for (int waited = 0; waits && file < 0 && waited < 10; waited++) {
		if (errno != ENOENT && errno != EACCES)
			break;
		nanosleep(&pause, NULL);
		file = open_once(path, creates);
	}
	if (file < 0 || file >= FIRST_FREE_DESCRIPTOR)
		return file;
	/* A standard descriptor was closed, so open() returned its number. The file must not keep it:
	 * the output of the program would be written among the events. */
	const int above = fcntl(file, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR);
	close(file);
	return above;
}

void explain_event_file(const char *path, char *text, size_t room)
{
	const int error = errno;
	struct stat status;
	const int length =
		snprintf(text, room, "Cannot write audit events to \"%s\": %s", path, strerror(error));
	const size_t used = (size_t)length < room ? (size_t)length : room;
	if (error == ENOSPC || error == EDQUOT)
		snprintf(text + used, room - used, "; free the disk");
	else if (error == EROFS)
		snprintf(text + used, room - used, "; mount it for writing, or name another file");
	else if (error == ENOENT || error == ENOTDIR)
		snprintf(
			text + used, room - used, "; make its directory, or the file for user %u", geteuid());
	else if (error == EACCES && lstat(path, &status) != 0)
		snprintf(
			text + used, room - used, "; let user %u reach and write its directory", geteuid());
	else if (error == EACCES)
		snprintf(text + used, room - used,
			"; user %u may not append to it (owner %u, group %u, mode %04o): change its owner, or "
			"its group and mode",
			geteuid(), status.st_uid, status.st_gid, status.st_mode & 07777);
	errno = error;
}

bool append_event(int file, const struct event_line *line)
{
	/* A full disk can cut a line. Then the next line begins with a line end. */
	static bool is_cut;
	const size_t before = is_cut ? 1 : 0;
	/* The line is written by one system call, so that lines of several processes do not mix. */
	const struct iovec parts[] = {{"\n", before}, {(void *)line->text, line->length}, {"\n", 1}};
	const ssize_t written = writev(file, parts, 3);
	const bool is_whole = written == (ssize_t)(before + line->length + 1);
	if (written > 0)
		is_cut = !is_whole;
	return is_whole;
}
