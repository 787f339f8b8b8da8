/* Drops capabilities from the launcher, which becomes the program, and from the collector. */
#define _GNU_SOURCE
#include "capabilities.h"
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Drops capabilities from the sets of the process, and from the bounding set, from which a program
 * that root executes gets its capabilities. Only a process with CAP_SETPCAP can change the bounding
 * set. If this process cannot change it, the executed program still gets no capability that this
 * process does not have, because of no_new_privs. */
bool keep_capabilities(uint64_t kept)
{
	for (int capability = 0; capability < 64; capability++) {
		const int is_bounding = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
		if (is_bounding < 0 && errno == EINVAL)
			break; /* The kernel knows no more capabilities. */
		if (is_bounding < 0)
			return false;
		const bool is_kept = (kept >> capability & 1) != 0;
		if (!is_kept && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM)
			return false;
	}

	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &head, sets) != 0)
		return false;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		const uint32_t part = (uint32_t)(kept >> (32 * i));
		sets[i].effective &= part;
		sets[i].permitted &= part;
		sets[i].inheritable &= part;
	}
	return syscall(SYS_capset, &head, sets) == 0;
}
