/* The trust index that this process has read, for the files that read it. Everybody else asks by
 * the functions of trust.h.
 *
 * Guarantees that index.c and products.c fill it in before the program's own code runs, and that
 * nobody changes it afterwards. */
#ifndef SIGTOOL_INDEX_H
#define SIGTOOL_INDEX_H
#include "trust.h"
#include "index-signature.h"
#include "../shared/index/find-record.h"

enum { MAX_PRODUCTS = 256 };

struct product {
	const char *name;
	const char *root; /* its directory, as a real path if the directory exists */
	size_t root_length; /* 0 for "/", so that a path below it begins with a slash after the root */
	const struct json *signers; /* those of its catalogs, or null */
	char sequence[24]; /* a decimal number, or "" if the product has none */
	uint32_t first; /* its records are those from `first` to `end` - 1 */
	uint32_t end;
};

struct trust_index {
	struct index_table table;
	struct index_digests digests;
	uint64_t not_after; /* in milliseconds since 1970, or 0 for an index without end */
	const struct json *compiled; /* the sequence of the index itself, or null */
	const struct json *file_texts; /* texts that differ from their files, or null */
	const struct json *texts; /* such texts without their files, in an older index, or null */
	/* The products in the order of the head. Their records have the same order. */
	struct product products[MAX_PRODUCTS];
	size_t product_count;
	uint32_t entry_count; /* the number of entries of all these products together */
};
extern struct trust_index loaded;

/* entries.c: makes room for the table of all contents, which the first search fills in. */
void prepare_contents(void);

#endif
