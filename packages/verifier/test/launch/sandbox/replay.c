/* Debugs a launcher to learn the arguments of its only allowed execveat(). An attacker could find
 * them by trying. Then lets the launcher go on.
 *
 * Arguments: a file that receives descriptor, path, argv and the unused sixth argument; the
 * launcher; and the launcher's own arguments. Ends with the status of the launched program. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXECVE_CHECK = 0x10000, SYSCALL_STOP = SIGTRAP | 0x80 };

static int is_execution(const struct __ptrace_syscall_info *info)
{
	return info->op == PTRACE_SYSCALL_INFO_ENTRY && info->entry.nr == SYS_execveat &&
		(info->entry.args[4] & EXECVE_CHECK) == 0;
}

/* Writes the arguments of the system call to the file `path`. */
static void learn(const char *path, const struct __ptrace_syscall_info *info)
{
	FILE *file = fopen(path, "w");
	if (file == NULL)
		return;
	fprintf(file, "%d %llx %llx %llx\n", (int)info->entry.args[0],
		(unsigned long long)info->entry.args[1], (unsigned long long)info->entry.args[2],
		(unsigned long long)info->entry.args[5]);
	fclose(file);
}

int main(int argc, char **argv)
{
	int status;
	if (argc < 3)
		return 2;
	const pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	int signal = 0;
	for (;;) {
		ptrace(PTRACE_SYSCALL, child, 0, signal);
		waitpid(child, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		signal = WSTOPSIG(status);
		if (signal == SIGTRAP)
			signal = 0; /* The kernel reports by SIGTRAP that the launcher was executed. */
		if (signal != SYSCALL_STOP)
			continue;
		signal = 0;
		struct __ptrace_syscall_info info;
		ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
		if (!is_execution(&info))
			continue;
		learn(argv[1], &info);
		ptrace(PTRACE_DETACH, child, 0, 0);
		waitpid(child, &status, 0);
		break;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
