/* JavaScript strings of what was read from a file. */
#ifndef SIGTOOL_LENT_STRING_H
#define SIGTOOL_LENT_STRING_H
#include "node-api.h"

/* Returns a string of `size` bytes of UTF-8, or NULL when there is no memory for it. Takes `text`,
 * which malloc() made, and frees it. */
napi_value string_of(napi_env env, char *text, size_t size, bool is_ascii);

#endif
