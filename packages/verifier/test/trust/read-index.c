/* Reads a trust index as a process does that links trust/, but without its signature, and answers
 * questions about it. read-index.test.ts builds and runs this program.
 *
 * Usage: `read-index INDEX MODE THREADS [short]` with digests in lower-case hexadecimal as lines on
 * standard input. MODE is a number, or -1 for that of the policy. The first line of the output has
 * the rules for Node.js. The second has one digit for each digest: 1 if find_content() finds it.
 * All THREADS look up all digests at once, and the program fails if their answers differ. With
 * `short`, memory for the hash table is lacking. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "index-signature.h"
#include "trust.h"

static bool is_short;

#define mmap(address, ...) (is_short ? MAP_FAILED : mmap(address, __VA_ARGS__))
#include "contents.c"
#undef mmap

const struct program_facts program = {
	.name = "read-index",
	.version = "0",
	.tier = "none",
	.pins = "",
	.lacks_this_pin = "",
	.lacks_pins = "",
};

enum { MAX_DIGESTS = 4096, MAX_THREADS = 16 };

static uint8_t digests[MAX_DIGESTS][SHA256_BYTES];
static size_t digest_count;
static char answers[MAX_THREADS][MAX_DIGESTS + 1];
static atomic_int waiting;

/* Nothing here has a signature or is denied, and no event is written. */
void verify_index(
	const uint8_t *bytes, size_t content_length, size_t length, struct index_digests *found)
{
	(void)bytes;
	(void)content_length;
	(void)length;
	(void)found;
}

void verify_policy(const char *document, size_t length, const char *signature_hex)
{
	(void)document;
	(void)length;
	(void)signature_hex;
}

void require_somebody(void)
{
}

void refuse_denied(const char *kind, const char *hex)
{
	(void)kind;
	(void)hex;
}

void open_sinks(void)
{
}

void raise_event(const char *event, enum verdict verdict, ...)
{
	(void)event;
	(void)verdict;
}

_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	fprintf(stderr, "%s: ", code);
	vfprintf(stderr, format, values);
	exit(status);
}

static void read_digests(void)
{
	char line[SHA256_HEX + 2];
	while (digest_count < MAX_DIGESTS && fgets(line, sizeof line, stdin) != NULL) {
		for (size_t i = 0; i < SHA256_BYTES; i++)
			sscanf(line + 2 * i, "%2hhx", &digests[digest_count][i]);
		digest_count++;
	}
}

static void *look_up(void *answer)
{
	char *next = answer;
	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting) > 0)
		; /* all threads make the first look-up together */
	for (size_t i = 0; i < digest_count; i++)
		*next++ = find_content(digests[i]) ? '1' : '0';
	return NULL;
}

int main(int argument_count, char **arguments)
{
	pthread_t threads[MAX_THREADS];
	if (argument_count < 4)
		return EXIT_FAILURE;
	is_short = argument_count > 4;
	rules.host_mode = -1;
	const int thread_count = atoi(arguments[3]);
	read_digests();
	load_index(arguments[1], -1, atoi(arguments[2]));
	printf("%s addons=%d webAssembly=%d stringCode=%d workers=%d children=%d\n",
		MODE_NAMES[rules.mode], rules.addons, rules.web_assembly, rules.string_code, rules.workers,
		rules.children);
	waiting = thread_count;
	for (int i = 0; i < thread_count; i++)
		pthread_create(&threads[i], NULL, look_up, answers[i]);
	for (int i = 0; i < thread_count; i++) {
		pthread_join(threads[i], NULL);
		if (strcmp(answers[i], answers[0]) != 0)
			return EXIT_FAILURE;
	}
	puts(answers[0]);
	return EXIT_SUCCESS;
}
