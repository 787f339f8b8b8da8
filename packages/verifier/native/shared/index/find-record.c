/* Keeps the guarantees of find-record.h: the binary search checks each offset before it is used.
 * Paths are compared byte by byte, because the index has them in this order. */
#include "find-record.h"
#include <stdbool.h>
#include <string.h>

/* Sets `order` below 0 if the path of the record sorts before `path`, to 0 if it equals `path`, and
 * above 0 if it sorts after `path`. Returns false if the record's path is not inside the names. The
 * caller has checked that the record itself is inside the index. */
static bool compare_path(const struct index_table *table, uint32_t record, const char *path,
	size_t path_bytes, int *order)
{
	const unsigned char *at = record_at(table, record);
	const size_t start = read_u32(at);
	const size_t bytes = read_u16(at + PATH_BYTES_AT);
	if (table->names_start + start + bytes > table->names_end)
		return false;
	const size_t common = bytes < path_bytes ? bytes : path_bytes;
	*order = memcmp(table->bytes + table->names_start + start, path, common);
	if (*order == 0)
		*order = (bytes > path_bytes) - (bytes < path_bytes);
	return true;
}

/* Returns true if the path of the record before `found` sorts before `path`, and the path of the
 * record after `found` sorts after `path`. Regards only the records of the product, which are those
 * from `first` to `end` - 1. */
static bool is_between_neighbours(const struct index_table *table, uint32_t first, uint32_t end,
	uint32_t found, const char *path, size_t path_bytes)
{
	int order;
	if (found != first) {
		if (!compare_path(table, found - 1, path, path_bytes, &order) || order >= 0)
			return false;
	}
	if (found + 1 != end) {
		if (!compare_path(table, found + 1, path, path_bytes, &order) || order <= 0)
			return false;
	}
	return true;
}

int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path,
	size_t path_bytes)
{
	if (table->records_start + (size_t)end * RECORD_BYTES > table->names_start ||
		table->names_start > table->names_end || table->names_end > table->size)
		return DAMAGED;
	uint32_t low = first;
	uint32_t high = end;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		int order;
		if (!compare_path(table, middle, path, path_bytes, &order))
			return DAMAGED;
		if (order == 0) {
			const bool is_ordered =
				is_between_neighbours(table, first, end, middle, path, path_bytes);
			return is_ordered ? (int64_t)middle : DAMAGED;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NO_RECORD;
}
