/* The encoding that a text of Python declares. */
#ifndef SPYTHON_SOURCE_ENCODING_H
#define SPYTHON_SOURCE_ENCODING_H
#include <stdbool.h>

/* Returns false if the text says that it is in an encoding which Python code decodes. A program can
 * exchange such code, so that the text would say something else. */
bool is_in_fixed_encoding(const char *text);

#endif
