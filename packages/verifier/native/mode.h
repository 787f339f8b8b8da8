/* From letting everything run to refusing what enforcement would only note. */
#ifndef SIGTOOL_MODE_H
#define SIGTOOL_MODE_H

enum mode { MODE_OFF, MODE_AUDIT, MODE_ENFORCE, MODE_STRICT };
#define MODES "off audit enforce strict" /* as words */
static const char *const MODE_NAMES[] = {"off", "audit", "enforce", "strict"};

#endif
