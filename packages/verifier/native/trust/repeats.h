/* Counts refusals that repeat an earlier one. packages/verifier/src/audit/repeats.ts does the same
 * for Node.js. */
#ifndef SIGTOOL_REPEATS_H
#define SIGTOOL_REPEATS_H
#include "../shared/events/event-line.h"
#include <stdbool.h>

/* Writes a line to the sinks. Returns false if one did not take it. */
typedef bool write_line(const struct event_line *line, enum verdict verdict);

/* Writes a refusal, or only counts it if it repeats an earlier one. `line` must have the present
 * time. Returns false if a sink did not take a line. */
bool add_refusal(const struct event_line *line, enum verdict verdict, write_line *write);

/* Writes the counts that have waited for a minute, or all counts. Returns false if a sink did
 * not take a line. Its count is then written the next time. */
bool write_counts(bool all, write_line *write);

#endif
