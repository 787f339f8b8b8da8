#include "find-record.h"
#include <stdbool.h>
#include <string.h>

enum { RECORD_BYTES = 48, PATH_BYTES_AT = 4 };

/* Below, at or above 0 as the record's path stands to `path`. False when it does not lie among the names. */
static bool compare(const struct index_table *table, uint32_t record, const char *path, size_t path_bytes, int *order)
{
	const unsigned char *at = table->bytes + table->records_start + (size_t)record * RECORD_BYTES;
	const unsigned char *length = at + PATH_BYTES_AT;
	size_t start = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
	size_t bytes = length[0] | (size_t)length[1] << 8;
	if (table->names_start + start + bytes > table->names_end)
		return false;
	*order = memcmp(table->bytes + table->names_start + start, path, bytes < path_bytes ? bytes : path_bytes);
	if (*order == 0)
		*order = (bytes > path_bytes) - (bytes < path_bytes);
	return true;
}

int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path, size_t path_bytes)
{
	if (table->records_start + (size_t)end * RECORD_BYTES > table->names_start || table->names_start > table->names_end ||
		table->names_end > table->size)
		return ASK_JAVASCRIPT;
	for (uint32_t low = first, high = end; low < high;) {
		uint32_t middle = low + (high - low) / 2;
		int order, before = -1, behind = 1;
		if (!compare(table, middle, path, path_bytes, &order))
			return ASK_JAVASCRIPT;
		if (order < 0)
			low = middle + 1;
		else if (order > 0)
			high = middle;
		else {
			bool is_read = (middle == first || compare(table, middle - 1, path, path_bytes, &before)) &&
				(middle + 1 == end || compare(table, middle + 1, path, path_bytes, &behind));
			return is_read && before < 0 && behind > 0 ? middle : ASK_JAVASCRIPT;
		}
	}
	return NO_RECORD;
}
