/* Makes JavaScript strings of text that was read from a file. */
#ifndef SIGTOOL_LENT_STRING_H
#define SIGTOOL_LENT_STRING_H
#include "node-api.h"

/* Returns a string of `size` bytes of UTF-8, or NULL if memory is lacking. Takes ownership of
 * `text`, which malloc() returned, and frees it. `is_ascii` is true if all bytes are ASCII. */
napi_value string_of(napi_env env, char *text, size_t size, bool is_ascii);

#endif
