/* Follows content that is handed over in parts. following-thread.test.ts builds and runs this
 * program.
 *
 * Usage: `follow-parts ANSWER...`. Each ANSWER is an attempt. If it is `refuse`, the system refuses
 * a thread that is asked for. Prints for each attempt how often a thread was asked for, and what
 * the thread worked on, or `none` if there was no thread. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "shared/process/following-thread.h"

static int asked;
static bool refuses;

int pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	asked++;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return refuses ? EAGAIN : real(thread, attributes, run, argument);
}

static void append(void *text, const unsigned char *part, size_t size)
{
	strncat(text, (const char *)part, size);
}

static void attempt(void)
{
	static const char *const PARTS[] = {"a", "", "bc", "def"};
	char content[16] = "";
	char seen[16] = "";
	struct following_thread follower;
	asked = 0;
	if (!start_following(&follower, (unsigned char *)content, append, seen)) {
		printf("%d none\n", asked);
		return;
	}
	for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
		strcat(content, PARTS[i]);
		hand_over(&follower, strlen(PARTS[i]));
	}
	stop_following(&follower);
	printf("%d %s\n", asked, seen);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		refuses = strcmp(argv[i], "refuse") == 0;
		attempt();
	}
	return 0;
}
