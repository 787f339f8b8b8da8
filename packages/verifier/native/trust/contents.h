/* Finds a content among the records of a trust index, whatever the path of the file is. The binary
 * search of find-record.h cannot do that, because the records are in the order of paths. */
#ifndef SIGTOOL_CONTENTS_H
#define SIGTOOL_CONTENTS_H
#include "../shared/index/find-record.h"
#include "../shared/text/hex.h"
#include <stdbool.h>

/* The first `count` records of an index, and a hash table of the files among them. */
struct contents {
	const struct index_table *table;
	uint32_t count; /* at most 2^30 */
	uint32_t *slots; /* null if there is no hash table, because memory was lacking */
	uint32_t mask; /* the number of slots, a power of 2, minus 1 */
};

/* Makes the hash table, in memory that is read-only afterwards. The records must lie inside the
 * index. `table` must stay valid as long as the result is used. */
struct contents list_contents(const struct index_table *table, uint32_t count);

/* Answers whether the record with this number counts. */
typedef bool counts(uint32_t number);

/* Returns the number of a record that counts and is a file with this SHA-256, or -1. `counts` may
 * be null: then every record does. */
int64_t record_of_content(
	const struct contents *contents, const uint8_t digest[SHA256_BYTES], counts *counts);

#endif
