/* Generated from packages/core/src/trust/schema.ts by `pnpm generate`. */
/* Numbers and paths that TypeScript and C share. */
#ifndef SIGTOOL_CONSTANTS_H
#define SIGTOOL_CONSTANTS_H
/* clang-format off */

enum {
	MAX_POLICY_BYTES = 65536,
	MAX_HOST_BYTES = 1048576,
	MAX_LAUNCHER_BYTES = 65536,
	MAX_SHARED_BYTES = 8192,
	MAX_RECORD_BYTES = 65536,
	MAX_INDEX_BYTES = 1073741824,
};

enum {
	EARLIEST_SECONDS = 1793491200, /* since 1970: no right clock shows an earlier time */
	LOOK_SECONDS = 5, /* between two looks at the deny list of the host */
};

/* The descriptors that a process inherits from the launcher: the index and the record in memory
 * that nobody can change, and what leads to the collector: a socket that can only send, and the
 * page. */
enum {
	INDEX_DESCRIPTOR = 3,
	RECORD_DESCRIPTOR = 4,
	CHANNEL_DESCRIPTOR = 5,
	ANSWERS_DESCRIPTOR = 6,
};
#define LAUNCH_DESCRIPTORS "3:4"
#define COLLECTOR_DESCRIPTORS "5:6"

#define HOST_DIRECTORY "/etc/sigtool"
#define HOST_CONFIGURATION_FILE "/etc/sigtool/verifier.json"

#endif
