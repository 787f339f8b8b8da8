/* Generated from packages/verifier/src/audit/verdicts.ts by `pnpm generate`. */
/* The verdicts of events, from the mildest. docs/reference/events.md says what each means. */
#ifndef SIGTOOL_VERDICTS_H
#define SIGTOOL_VERDICTS_H

enum verdict { ALLOW, RECORD, AUDIT, REFUSE };
static const char *const VERDICT_NAMES[] = {"allow", "record", "audit", "refuse"};

#endif
