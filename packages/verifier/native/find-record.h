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

enum { RECORD_BYTES = 48, PATH_BYTES_AT = 4, NO_RECORD = -1, DAMAGED = -2 };

static inline uint16_t read_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}
static inline uint32_t read_u32(const unsigned char *at)
{
	return read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

/* Number of the record with this path among those from `first` to before `end`; NO_RECORD; or
 * DAMAGED where something is not as the format has it. */
int64_t find_record(const struct index_table *table, uint32_t first, uint32_t end, const char *path,
	size_t path_bytes);

#endif
