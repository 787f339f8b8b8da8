/* Verifies the index while Node.js starts. The first text that is not of Node.js waits for the
 * verdict. */
#define _GNU_SOURCE
#include "../shared/process/decisions.h"
#include "gate.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process that verifies the index, and its verdict in memory that both processes share. */
enum { MAX_GROUNDS = 64, KIND_BYTES = 16, END_KINDS = END_OF_TIMESTAMPED + 1 };
static DECIDES struct verdict_of_index {
	bool is_verified;
	uint64_t ends[END_KINDS];
	/* The denial of one of these later makes all files of the index refused. */
	size_t ground_count;
	struct {
		enum ground_of of;
		char kind[KIND_BYTES];
		char hex[SHA256_HEX + 1];
	} grounds[MAX_GROUNDS];
} *verdict;
static DECIDES pid_t verifier;
static DECIDES int launch_mode;

static void share_ground(enum ground_of of, const char *kind, const char *hex)
{
	if (verdict->ground_count == MAX_GROUNDS)
		fail(REFUSED, "ERR_LIMIT", "Cannot trust the index: it rests on too many certificates");
	const size_t at = verdict->ground_count++;
	verdict->grounds[at].of = of;
	snprintf(verdict->grounds[at].kind, KIND_BYTES, "%s", kind);
	snprintf(verdict->grounds[at].hex, SHA256_HEX + 1, "%s", hex);
}

/* Takes over what only the verifying process found out. */
static void take_verdict(void)
{
	for (size_t i = 0; i < verdict->ground_count; i++)
		rest_on(verdict->grounds[i].of, verdict->grounds[i].kind, verdict->grounds[i].hex);
	for (int of = 0; of < END_KINDS; of++)
		end_at((enum end_of)of, verdict->ends[of]);
}

/* Begins to verify the index in a child process, because Node.js sets up its libcrypto later and in
 * its own way, which a first use here would change. Meanwhile Node.js starts. The launcher's
 * descriptors and this memory are the same in both processes, so both judge the same bytes. The
 * child's failure becomes that of this process. */
void begin_to_verify(int mode)
{
	launch_mode = mode;
	verdict =
		mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	verifier = verdict == MAP_FAILED ? -1 : fork();
	if (verifier < 0)
		fail(UNDECIDED, "ERR_START", "Cannot start a process that verifies the index: %m");
	if (verifier > 0)
		return;
	load_index(rules.index, INDEX_DESCRIPTOR, -1);
	each_ground(share_ground);
	for (int of = 0; of < END_KINDS; of++)
		verdict->ends[of] = noted_end((enum end_of)of);
	verdict->is_verified = true;
	_exit(EXIT_SUCCESS);
}

/* Applies the launcher's mode if it is stricter than that of the policy. In mode strict the
 * rule about text is to refuse, whatever the policy says. */
static void apply_mode(int mode)
{
	if (mode > rules.mode)
		rules.mode = mode;
	if (rules.mode == MODE_STRICT)
		rules.string_code = STRING_CODE_REFUSE;
}

/* Waits for the verdict, and reads the index only then. */
static void take_index(void)
{
	int status = 0;
	pid_t ended;
	do
		ended = waitpid(verifier, &status, 0);
	while (ended < 0 && errno == EINTR);
	/* The kernel keeps no status of the child if this process ignores SIGCHLD, as it does when the
	 * process that started the launcher did. So the verdict in memory decides. */
	if (!verdict->is_verified && ended == verifier && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	if (!verdict->is_verified)
		fail(UNDECIDED, "ERR_START", "Cannot verify the index: the process for it was ended");
	rules.is_verified = 1;
	load_index(rules.index, INDEX_DESCRIPTOR, -1);
	take_verdict();
	apply_mode(launch_mode);
	/* The first look notes which user the process has, before the program can change that. */
	look_for_denials();
}

void require_index(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, take_index);
}
