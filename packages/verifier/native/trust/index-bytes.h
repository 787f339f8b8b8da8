/* The bytes of a trust index. */
#ifndef SIGTOOL_INDEX_BYTES_H
#define SIGTOOL_INDEX_BYTES_H
#include <stddef.h>
#include <stdint.h>

/* Returns the index in read-only memory that is never freed, and its length, which is not 0. `file`
 * and `descriptor` are those of load_index(). Ends the process if the index cannot be read, or if
 * somebody could change it. */
const uint8_t *map_index(const char *file, int descriptor, size_t *length);

/* Ends the process, because the index is not in the format of this version. */
_Noreturn void malformed(const char *reason);

/* Ends the process, because the index ends before it is complete, as it does while it is copied. */
_Noreturn void truncated(void);

#endif
