/* Writes text that others chose, such as names of files, so that it stays on its line. */
#ifndef SIGTOOL_ESCAPE_H
#define SIGTOOL_ESCAPE_H
#include <stddef.h>

/* Copies `text` to `to` with each control character as `\xNN`: line breaks, DEL, U+0080 to U+009F,
 * and as `\u2028` and `\u2029` the two line breaks of Unicode. Other bytes stay as they are. A text
 * for which there is no room is cut. */
void escape_controls(const char *text, char *to, size_t room);

#endif
