/* Generated from packages/core/src/trust/schema.ts by `pnpm generate`. */
/* The modes, from letting everything run to refusing what enforcement would only record. */
#ifndef SIGTOOL_MODE_H
#define SIGTOOL_MODE_H

enum mode { MODE_OFF, MODE_AUDIT, MODE_ENFORCE, MODE_STRICT };
#define MODES "off audit enforce strict"
static const char *const MODE_NAMES[] = {"off", "audit", "enforce", "strict"};

#endif
