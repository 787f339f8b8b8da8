/* Guarantees that the facts fit their room: a longer one is cut, and of /proc/self/cgroup only the
 * beginning is read. */
#define _GNU_SOURCE
#include "start-facts.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool ends_in(const char *text, size_t length, const char *end)
{
	const size_t end_length = strlen(end);
	return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* Finds the last name of a unit in the path of a control group. */
static void find_unit(char unit[MAX_FACT])
{
	char text[4096];
	unit[0] = '\0';
	const int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return;
	const ssize_t count = read(file, text, sizeof text - 1);
	close(file);
	if (count <= 0)
		return;
	text[count] = '\0';
	for (const char *at = text; *at != '\0';) {
		const size_t length = strcspn(at, "/\n");
		if (ends_in(at, length, ".service") || ends_in(at, length, ".scope"))
			snprintf(unit, MAX_FACT, "%.*s", (int)length, at);
		at += length + (at[length] != '\0');
	}
}

void find_start_facts(struct start_facts *facts)
{
	find_unit(facts->unit);
	snprintf(facts->uid, sizeof facts->uid, "%u", (unsigned)getuid());
	const int failed = gethostname(facts->host, sizeof facts->host);
	if (failed)
		facts->host[0] = '\0';
	facts->host[sizeof facts->host - 1] = '\0';
}
