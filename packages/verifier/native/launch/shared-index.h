/* Root's copy of the trust index, which all processes share. */
#ifndef SIGTOOL_LAUNCH_SHARED_INDEX_H
#define SIGTOOL_LAUNCH_SHARED_INDEX_H
#include "../shared/text/hex.h"
#include <limits.h>
#include <stdbool.h>

/* Digests of the index that processes share, in lower-case hexadecimal. They are empty if nothing
 * is shared. */
struct shared_index {
	char sha256[SHA256_HEX + 1];
	char content[SHA256_HEX + 1]; /* of the part that the signature covers */
};

/* Writes the path of the file `name` in the directory of shared indexes. An empty name stands for
 * the directory itself. Returns false if the path is too long. */
bool name_shared(char path[PATH_MAX], const char *name);

/* Returns a descriptor of the shared copy of an open index, and sets `shared`. Returns -1, and
 * leaves `shared` as it is, if there is none that can be trusted. */
int open_shared(int index, struct shared_index *shared);

#endif
