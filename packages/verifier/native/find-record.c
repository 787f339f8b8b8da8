#include "find-record.h"
#include <stdbool.h>
#include <string.h>

/* Below, at or above 0 as the record's path stands to `path`. False when it does not lie among the
 * names. */
static bool compare(const struct index_table *table, uint32_t record, const char *path,
	size_t path_bytes, int *order)
{
	const unsigned char *at = table->bytes + table->records_start + (size_t)record * RECORD_BYTES;
	size_t start = read_u32(at), bytes = read_u16(at + PATH_BYTES_AT);
	if (table->names_start + start + bytes > table->names_end)
		return false;
	*order = memcmp(
		table->bytes + table->names_start + start, path, bytes < path_bytes ? bytes : path_bytes);
	if (*order == 0)
		*order = (bytes > path_bytes) - (bytes < path_bytes);
	return true;
}

int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path,
	size_t path_bytes)
{
	if (table->records_start + (size_t)end * RECORD_BYTES > table->names_start ||
		table->names_start > table->names_end || table->names_end > table->size)
		return DAMAGED;
	for (uint32_t low = first, high = end; low < high;) {
		uint32_t middle = low + (high - low) / 2;
		int order, before = -1, behind = 1;
		if (!compare(table, middle, path, path_bytes, &order))
			return DAMAGED;
		if (order < 0)
			low = middle + 1;
		else if (order > 0)
			high = middle;
		else {
			bool is_read =
				(middle == first || compare(table, middle - 1, path, path_bytes, &before)) &&
				(middle + 1 == end || compare(table, middle + 1, path, path_bytes, &behind));
			return is_read && before < 0 && behind > 0 ? (int64_t)middle : DAMAGED;
		}
	}
	return NO_RECORD;
}
