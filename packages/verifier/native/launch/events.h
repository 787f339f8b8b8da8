/* The launcher's own events, and the collector to which they go. */
#ifndef SIGTOOL_LAUNCH_EVENTS_H
#define SIGTOOL_LAUNCH_EVENTS_H
#include "../shared/event-line.h"

struct settings;

/* Starts the collector of the file of events, if the settings want it. */
void start_events(const struct settings *settings);

/* Writes an event to the file `audit`, or gives it to the collector. */
__attribute__((sentinel)) void write_to_audit(
	const char *audit, const char *event, enum verdict verdict, ...);

#endif
