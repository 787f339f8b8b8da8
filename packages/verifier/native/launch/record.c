/* Guarantees that a line of the record says what the launcher found, whatever the names of files
 * and modules are: no value begins a line of its own. */
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
