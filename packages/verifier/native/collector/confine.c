/* Takes rights from the collector, so that a fault in it gives a program nothing: it makes only the
 * system calls below, writes only below the directory of the file of events, and can execute
 * nothing. Nobody may trace it or read its memory. */
#define _GNU_SOURCE
#include "../shared/confinement/capabilities.h"
#include "../shared/confinement/landlock-rules.h"
#include "../shared/confinement/lockdown.h"
#include "allowed-calls.h"
#include "collector.h"
#include "../shared/process/exit-status.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Returns a descriptor of the directory of a file, or -1. */
static int open_directory_of(const char *path)
{
	char directory[PATH_MAX];
	if (strlen(path) >= sizeof directory)
		return -1;
	strcpy(directory, path);
	char *slash = strrchr(directory, '/');
	if (slash == NULL)
		return -1;
	slash[slash == directory ? 1 : 0] = '\0';
	return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool confine_collector(const char *path)
{
	/* Root opens the file of a user, and gives a new one to the owner of the directory. */
	const uint64_t kept = UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_CHOWN;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "sigtool-collect");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	const int directory = open_directory_of(path);
	if (!restrict_writing_to(directory) || chdir("/") != 0 || !keep_capabilities(kept))
		return false;
	close(directory);
	return can_filter_calls() ? restrict_to_allowed() : is_answer(errno);
}
