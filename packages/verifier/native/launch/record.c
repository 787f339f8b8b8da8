/* Guarantees that each line of the record comes from the launcher: the path of a file or the name
 * of a module cannot add a line, because a value with a line break is refused. */
#include "record.h"
#include "refusal.h"
#include "../shared/process/exit-status.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

void add_line(struct record *record, const char *key, const char *value)
{
	if (strchr(value, '\n') != NULL)
		fail(REFUSED, "Cannot start: \"%s\" holds a line break", value);
	const size_t room = sizeof record->text - record->length;
	const int length = snprintf(record->text + record->length, room, "%s %s\n", key, value);
	if ((size_t)length >= room)
		fail(REFUSED, "Cannot start: the launch record exceeds %d KiB", MAX_RECORD_BYTES >> 10);
	record->length += (size_t)length;
}

void add_roots(struct record *record, const char *roots)
{
	char line[2 * PATH_MAX + 2];
	while (*roots != '\0') {
		const size_t length = strcspn(roots, "\n");
		snprintf(line, sizeof line, "%.*s", (int)length, roots);
		add_line(record, "root", line);
		roots += roots[length] == '\n' ? length + 1 : length;
	}
}
