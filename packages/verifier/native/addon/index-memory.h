/* Keeps the trust index in memory that all threads of the process share and none can write to. */
#ifndef SIGTOOL_INDEX_MEMORY_H
#define SIGTOOL_INDEX_MEMORY_H
#include <stdbool.h>
#include <stddef.h>

struct index_memory {
	void *bytes; /* NULL if no index was kept */
	size_t size;
};

/* Keeps the index of an open regular file, until the process ends. If nobody can change the file,
 * or `is_fixed` says so, the file itself is mapped. Otherwise its content is copied. Returns false
 * if the file is empty or cannot be read, or if an index is kept already. */
bool keep_index(int descriptor, bool is_fixed);

/* Returns what was kept. Any thread may call this. */
struct index_memory kept_index(void);

#endif
