/* Opens files as spython and the addon do, also while another process exchanges what is on the
 * path. opened-path.test.ts builds and runs this program.
 *
 * Usage: `open-files [WORD...] open PATH...`. For each function of FUNCTIONS and each path, prints
 * the outcome: the first word of the file's content and the file's path, or the error; then the
 * number of calls that tried to open the file.
 *
 * Usage: `open-files [WORD...] exchange FIRST SECOND PATH`. Each function opens PATH for many
 * rounds, while a process exchanges FIRST and SECOND. Prints the different outcomes of each
 * function. Functions that can be deceived go on until they are: until `evil` is told to be at
 * PATH.
 *
 * Usage: `open-files [WORD...] move FROM FIRST SECOND PATH`. Opens PATH likewise, while a process
 * moves a mount of the directory FROM between FIRST and SECOND. Nobody is deceived, because the
 * mount is at the path.
 *
 * WORD is one of these:
 *   ENOSYS, EPERM  a filter answers openat2(2) with this error
 *   root=DIR       DIR is made the root directory
 *   full           no descriptor is left
 *   removed        the working directory was removed
 *   terminal       a terminal is opened too, by a session that has none */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shared/confinement/call-filter.h"

static int open_count;

#define open(...) (open_count++, open(__VA_ARGS__))
#define syscall(...) (open_count++, syscall(__VA_ARGS__))
#include "shared/files/opened-path.c"
#undef open
#undef syscall

enum { ROOM = PATH_MAX + 64, MIN_ROUNDS = 10000, MAX_OUTCOMES = 8 };

static void demand(bool is_done, const char *action)
{
	if (is_done)
		return;
	perror(action);
	exit(2);
}

static int open_strictly(const char *path, char real[PATH_MAX])
{
	const int file = open_without_links(path);
	if (file >= 0)
		strcpy(real, path);
	return file;
}

/* Is deceived if a link comes into the path between its two steps. */
static int look_then_open(const char *path, char real[PATH_MAX])
{
	return realpath(path, real) == NULL ? -1 : open(path, O_RDONLY | O_NONBLOCK);
}

/* Is deceived if /proc is not the kernel's. */
static int open_then_ask(const char *path, char real[PATH_MAX])
{
	char link[64];
	const int file = open(path, O_RDONLY | O_NONBLOCK);
	snprintf(link, sizeof link, "/proc/thread-self/fd/%d", file);
	const ssize_t length = readlink(link, real, PATH_MAX - 1);
	real[length < 0 ? 0 : length] = '\0';
	return file;
}

static const struct function {
	const char *name;
	int (*open)(const char *path, char real[PATH_MAX]);
	bool is_deceived_by_exchange;
} FUNCTIONS[] = {
	{"any", open_with_real_path, false},
	{"strict", open_strictly, false},
	{"ask", open_then_ask, false},
	{"look", look_then_open, true},
};
enum { FUNCTION_COUNT = sizeof FUNCTIONS / sizeof *FUNCTIONS };

/* Opens and closes a file, and writes the outcome. */
static void try_to_open(const struct function *function, const char *path, char outcome[ROOM])
{
	char real[PATH_MAX] = "";
	char content[16] = "";
	struct stat status;
	const int file = function->open(path, real);
	const char *error = strerrorname_np(errno);
	if (file < 0) {
		snprintf(outcome, ROOM, "%s", error);
		return;
	}
	demand(fstat(file, &status) == 0, "fstat");
	if (S_ISREG(status.st_mode))
		demand(read(file, content, sizeof content - 1) >= 0, "read");
	content[strcspn(content, "\n")] = '\0';
	snprintf(outcome, ROOM, "%s at %s", content, *real == '\0' ? error : real);
	close(file);
}

static bool has_terminal(void)
{
	const int terminal = open("/dev/tty", O_RDONLY | O_NONBLOCK);
	if (terminal >= 0)
		close(terminal);
	return terminal >= 0;
}

static void open_once(const struct function *function, const char *path)
{
	char outcome[ROOM];
	open_count = 0;
	try_to_open(function, path, outcome);
	printf("%s: %s, %d%s%c", function->name, outcome, open_count, has_terminal() ? ", took it" : "",
		'\0');
}

/* Holds the different outcomes of a function, and the number of rounds in which each was seen. */
struct seen {
	char outcomes[MAX_OUTCOMES][ROOM];
	int rounds[MAX_OUTCOMES];
	int count;
};

static void note(struct seen *seen, const char *outcome)
{
	int i = 0;
	while (i < seen->count && strcmp(seen->outcomes[i], outcome) != 0)
		i++;
	demand(i < MAX_OUTCOMES, "too many outcomes");
	if (i == seen->count)
		strcpy(seen->outcomes[seen->count++], outcome);
	seen->rounds[i]++;
}

/* Returns true if exchanges came between the rounds: two outcomes were seen again and again. */
static bool has_raced(const struct seen *seen)
{
	int frequent = 0;
	for (int i = 0; i < seen->count; i++)
		frequent += seen->rounds[i] >= MIN_ROUNDS / 100;
	return frequent >= 2;
}

static void open_again_and_again(
	const struct function *function, const char *path, bool can_deceive)
{
	char outcome[ROOM];
	char deceived[ROOM];
	struct seen seen = {.count = 0};
	snprintf(deceived, sizeof deceived, "evil at %s", path);
	bool is_deceived = !can_deceive || !function->is_deceived_by_exchange;
	for (int round = 0; round < MIN_ROUNDS || !is_deceived || !has_raced(&seen); round++) {
		try_to_open(function, path, outcome);
		note(&seen, outcome);
		is_deceived = is_deceived || strcmp(outcome, deceived) == 0;
	}
	for (int i = 0; i < seen.count; i++)
		printf("%s: %s%c", function->name, seen.outcomes[i], '\0');
}

static void exchange(const char *first, const char *second)
{
	demand(renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0, "renameat2");
}

static void move(const char *first, const char *second)
{
	demand(mount(first, second, NULL, MS_MOVE, NULL) == 0, "mount");
	demand(mount(second, first, NULL, MS_MOVE, NULL) == 0, "mount");
}

static void race(void (*change)(const char *, const char *), const char *first, const char *second,
	const char *path)
{
	const pid_t changer = fork();
	demand(changer >= 0, "fork");
	if (changer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			change(first, second);
	}
	for (int i = 0; i < FUNCTION_COUNT; i++)
		open_again_and_again(&FUNCTIONS[i], path, change == exchange);
	kill(changer, SIGKILL);
}

static void answer_openat2(int error)
{
	static struct filter filter;
	begin_filter(&filter);
	answer_call(&filter, OPENAT2, SECCOMP_RET_ERRNO | (uint32_t)error);
	demand(install_filter(&filter, 0) == 0, "seccomp");
}

static void take_all_descriptors(void)
{
	const int next = dup(0);
	close(next);
	const struct rlimit limit = {(rlim_t)next, (rlim_t)next};
	demand(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void remove_working_directory(void)
{
	char directory[] = "/tmp/opened-path-XXXXXX";
	demand(mkdtemp(directory) != NULL && chdir(directory) == 0, "chdir");
	demand(rmdir(directory) == 0, "rmdir");
}

/* Opens a terminal with each function, in a new session. */
static void open_terminal(void)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY);
	demand(setsid() >= 0 && master >= 0 && unlockpt(master) == 0, "posix_openpt");
	const char *terminal = ptsname(master);
	for (int i = 0; i < FUNCTION_COUNT; i++)
		open_once(&FUNCTIONS[i], terminal);
}

static bool apply(const char *word)
{
	if (strcmp(word, "ENOSYS") == 0)
		answer_openat2(ENOSYS);
	else if (strcmp(word, "EPERM") == 0)
		answer_openat2(EPERM);
	else if (strncmp(word, "root=", 5) == 0)
		demand(chroot(word + 5) == 0 && chdir("/") == 0, "chroot");
	else if (strcmp(word, "full") == 0)
		take_all_descriptors();
	else if (strcmp(word, "removed") == 0)
		remove_working_directory();
	else if (strcmp(word, "terminal") == 0)
		open_terminal();
	else
		return false;
	return true;
}

int main(int count, char **words)
{
	(void)count;
	while (*++words != NULL && apply(*words))
		;
	if (*words == NULL)
		return 0;
	if (strcmp(*words, "exchange") == 0)
		race(exchange, words[1], words[2], words[3]);
	else if (strcmp(*words, "move") == 0) {
		demand(mount(words[1], words[2], NULL, MS_BIND, NULL) == 0, "mount");
		race(move, words[2], words[3], words[4]);
	} else
		for (words++; *words != NULL; words++)
			for (int i = 0; i < FUNCTION_COUNT; i++)
				open_once(&FUNCTIONS[i], *words);
	return 0;
}
