/* The launcher's own events. */
#ifndef SIGTOOL_LAUNCH_EVENTS_H
#define SIGTOOL_LAUNCH_EVENTS_H
#include "../shared/events/event-line.h"

/* Writes an event to the file `audit`, or gives it to the collector. */
__attribute__((sentinel)) void write_to_audit(
	const char *audit, const char *event, enum verdict verdict, ...);

#endif
