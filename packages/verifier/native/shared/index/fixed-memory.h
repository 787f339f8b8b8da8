/* Memory with the content of a file, to which no thread of the process can write. */
#ifndef SIGTOOL_FIXED_MEMORY_H
#define SIGTOOL_FIXED_MEMORY_H
#include <stddef.h>

/* Maps an open file that nobody can change or make shorter, because reading behind the end of a
 * file ends the process. Returns NULL with errno if that is impossible. */
void *map_fixed(int descriptor, size_t size);

/* Copies an open file of this size. Returns NULL with errno if that is impossible. errno is ENODATA
 * if the file has become shorter. */
void *copy_fixed(int descriptor, size_t size);

#endif
