/* Guarantees that each line of the record comes from the launcher: the path of a file or the name
 * of a module cannot add a line, because a value with a line break is refused. */
#include "launch.h"
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
