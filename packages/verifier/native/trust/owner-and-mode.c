/* Applies `files.owner` and `files.othersWrite` of the policy to a file that is open.
 * packages/verifier/src/monitor/owner-and-mode.ts does the same for Node.js. */
#include "trust.h"
#include <stdio.h>
#include <sys/stat.h>

bool accepts_owner_and_mode(const struct stat *status, struct access_fault *fault)
{
	const unsigned owner = status->st_uid;
	const unsigned mode = status->st_mode & 07777;
	const bool refuses_owner = rules.demands_root && owner != 0;
	/* The bits of the group also bound whoever a POSIX ACL names. */
	const bool refuses_mode = rules.refuses_others_write && (mode & (S_IWGRP | S_IWOTH)) != 0;
	if (!refuses_owner && !refuses_mode)
		return true;
	fault->code = refuses_owner ? "ERR_FILE_OWNER" : "ERR_FILE_WRITABLE";
	fault->mend = refuses_owner
		? "make root its owner, or set files.owner to any in the policy"
		: "take the right to write from its group and others, or set files.othersWrite to allow in "
		  "the policy";
	snprintf(fault->detail, sizeof fault->detail, "owner %u, mode %04o", owner, mode);
	if (refuses_owner)
		snprintf(
			fault->why, sizeof fault->why, "user %u owns it, and the policy demands root", owner);
	else
		snprintf(fault->why, sizeof fault->why,
			"its mode %04o lets its group or others write it, and the policy refuses that", mode);
	return false;
}
