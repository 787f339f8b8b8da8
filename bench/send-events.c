/* Sends lines as a judged program does, and prints how long that takes. sigtool-launch starts it in
 * the place of Node.js, so its last three arguments are what to do, the file of events and a
 * number:
 *
 *   refuse   sends so many refusals, and waits for each; prints the median in microseconds
 *   append   appends as many to the file itself, as a program without a collector does
 *   allow    sends as many without waiting, one each 50 microseconds; prints the median
 *   stream   sends as many without waiting, one a message, as fast as they are taken; prints
 * seconds until the last is in the file queue    does the same with 50 a message, as Node.js sends
 * its queue
 *
 * It begins when it has read a line. */
#define _GNU_SOURCE
#include "../packages/verifier/native/shared/events/event-channel.h"
#include "../packages/verifier/native/trust/event-file.h"
#include "../packages/verifier/native/shared/events/event-line.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

__attribute__((sentinel)) static void compose(struct event_line *line, enum verdict verdict, ...)
{
	va_list values;
	va_start(values, verdict);
	compose_event(line, "module.open_code", verdict, values);
	va_end(values);
}

static void compose_nth(struct event_line *line, enum verdict verdict, long n)
{
	char path[128];
	snprintf(path, sizeof path, "/srv/app/node_modules/package-%ld/distribution/index.js", n);
	compose(line, verdict, "path", path, "sha256",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "product", "app",
		"entry", path + 9, NULL);
}

static int compare(const void *one, const void *other)
{
	const double a = *(const double *)one;
	const double b = *(const double *)other;
	return (a > b) - (a < b);
}

static bool send_one(const char *what, const char *path, const struct event_line *line)
{
	const char *trouble;
	if (strcmp(what, "append") == 0)
		return append_event(event_file(path, true, &trouble), line);
	return send_lines(line->text, line->length, strcmp(what, "refuse") == 0);
}

static void print_median(const char *what, const char *path, long count)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000};
	double *times = calloc((size_t)count, sizeof *times);
	struct event_line line;
	for (long i = 0; i < count; i++) {
		compose_nth(&line, strcmp(what, "allow") == 0 ? ALLOW : REFUSE, i);
		const double start = seconds_now();
		send_one(what, path, &line);
		times[i] = seconds_now() - start;
		nanosleep(&pause, NULL);
	}
	qsort(times, (size_t)count, sizeof *times, compare);
	printf("%.2f\n", times[count / 2] * 1e6);
}

static void print_seconds(long count, int together)
{
	enum { ROOM = 1 << 16 };
	static char text[ROOM];
	struct event_line line;
	size_t length = 0;
	const double start = seconds_now();
	for (long i = 1; i <= count; i++) {
		compose_nth(&line, ALLOW, i);
		memcpy(text + length, line.text, line.length);
		length += line.length;
		text[length++] = '\n';
		if (i % together != 0 && i < count)
			continue;
		while (!send_lines(text, length, false)) {
			struct pollfd room = {.fd = CHANNEL_DESCRIPTOR, .events = POLLOUT};
			poll(&room, 1, 100);
		}
		length = 0;
	}
	send_lines("", 0, true);
	printf("%.3f\n", seconds_now() - start);
}

int main(int argc, char **argv)
{
	char line[8];
	if (argc < 4)
		return 2;
	const char *what = argv[argc - 3];
	const char *path = argv[argc - 2];
	const long count = atol(argv[argc - 1]);
	if (strcmp(what, "append") != 0 && !open_channel())
		return 1;
	printf("ready\n");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		return 1;
	if (strcmp(what, "stream") == 0)
		print_seconds(count, 1);
	else if (strcmp(what, "queue") == 0)
		print_seconds(count, 50);
	else
		print_median(what, path, count);
	return 0;
}
