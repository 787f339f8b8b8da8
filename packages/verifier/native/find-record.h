/* The look-up of packages/core/src/trust/index-entries.ts, in the same octets of a trust index. */
#ifndef SIGTOOL_FIND_RECORD_H
#define SIGTOOL_FIND_RECORD_H
#include <stddef.h>
#include <stdint.h>

struct index_table {
	const unsigned char *bytes;
	size_t size;
	uint32_t records_start, names_start, names_end;
};

enum { NO_RECORD = -1, ASK_JAVASCRIPT = -2 };

/* Number of the record with this path among those from `first` to before `end`; NO_RECORD; or ASK_JAVASCRIPT when something
 * is not as the format has it, which is said there. */
int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path, size_t path_bytes);

#endif
