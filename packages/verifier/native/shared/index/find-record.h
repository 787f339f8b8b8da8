/* Finds the record of a path in a trust index by binary search, as findEntry() in
 * packages/core/src/trust/index-entries.ts does over the same bytes. docs/reference/trust-index.md
 * has the layout.
 *
 * Guarantees that no byte outside of the index is read, even if its records are damaged: each
 * offset is checked against the bounds in `struct index_table` first. A record is found only if it
 * is in order with its neighbours. So an index with unordered or repeated paths cannot give two
 * answers for one path. */
#ifndef SIGTOOL_FIND_RECORD_H
#define SIGTOOL_FIND_RECORD_H
#include "index-layout.h"
#include <stddef.h>

/* An index in memory that the caller owns, and the offsets of its parts in bytes. The records end
 * where the names start. find_record() checks that the parts are in this order and inside
 * `size`. */
struct index_table {
	const unsigned char *bytes;
	size_t size;
	uint32_t records_start;
	uint32_t names_start;
	uint32_t names_end;
};

/* The results of find_record() that are not the number of a record. */
enum {
	NO_RECORD = -1,
	DAMAGED = -2,
};

/* Returns the record with this number, which the caller has checked to be inside the index. */
static inline const unsigned char *record_at(const struct index_table *table, uint32_t number)
{
	return table->bytes + table->records_start + (size_t)number * RECORD_BYTES;
}

/* Returns the number of the record with this path among the records `first` to `end` - 1, which are
 * those of one product. `path` has `path_bytes` bytes and needs no NUL. Returns NO_RECORD if no
 * record has the path. Returns DAMAGED if an offset leads outside of the index, or if the record
 * that was found is not in order with its neighbours. */
int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path,
	size_t path_bytes);

#endif
