/* This libFuzzer target tests the code that reads a trust index and a host configuration.
 * sanitized.test.ts builds and runs it. The first byte of an input modulo 3 says how the rest of
 * the input is read:
 *
 * 0: as a whole file, whose signature is verified.
 * 1: as head, records and names without a signature. In use, only a trusted signer can make such
 *    input reach this code.
 * 2: as two bytes with the length of a host configuration, that configuration, which is also read
 * as in a running process, and then the input of 1.
 *
 * Afterwards paths and contents are looked up in each of the first four products.
 *
 * The sources are included and not linked, for two reasons: their static state can be reset, and
 * the memory that a real process keeps until its end can be freed before the next input. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The allocations for the current input, which are freed before the next input. */
static void *kept[4096];
static size_t kept_count;
static void *mapped;
static size_t mapped_length;

static void *keep(void *memory)
{
	kept[kept_count] = memory;
	kept_count++;
	return memory;
}

static void *map(size_t length)
{
	mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mapped_length = length;
	return mapped;
}

#include "trust.h"
#include "../shared/process/decisions.h"

/* These functions replace those of decisions.c, so that the sanitizers know where each piece of
 * kept memory ends. */
void *keep_memory(size_t size)
{
	return keep(calloc(1, size));
}

char *keep_string(const char *text, size_t length)
{
	char *copy = keep_memory(length + 1);
	memcpy(copy, text, length);
	return copy;
}

void *keep_pages(size_t size)
{
	return keep_memory(size);
}

bool seal_pages(void *pages, size_t size)
{
	(void)pages;
	(void)size;
	return true;
}

const struct program_facts program = {
	.name = "fuzz-index",
	.version = "0",
	.tier = "none",
	.pins = PINS,
	.lacks_this_pin = "",
	.lacks_pins = "",
};

#include "contents.c"
#define malloc(size) keep(malloc(size))
#define calloc(count, size) keep(calloc(count, size))
#define strndup(text, size) keep(strndup(text, size))
#define mmap(address, length, ...) map(length)
#include "../shared/process/environment.c"
#include "../shared/process/exit-status.c"
#include "../shared/settings/file-rules.c"
#include "../shared/index/find-record.c"
#include "../shared/index/fixed-memory.c"
#include "../shared/text/glob.c"
#include "../shared/text/hex.c"
#include "../shared/text/json.c"
#include "../shared/settings/members.c"
#include "../shared/files/owned-file.c"
#include "../shared/settings/schema.c"
#include "../shared/events/start-facts.c"
#include "../shared/text/utf8.c"
#include "../shared/settings/value-forms.c"
#include "../shared/text/words.c"

/* The host configuration in the input, which is read in place of a file. */
static const uint8_t *host;
static size_t host_length;

static ssize_t give_host(char *text, size_t room, const char **why)
{
	*why = "";
	if (host_length >= room)
		return -1;
	memcpy(text, host, host_length);
	text[host_length] = '\0';
	return (ssize_t)host_length;
}

#define read_owned(path, trusted, text, room, why) give_host(text, room, why)
#define free(memory) ((void)(memory)) /* forget() frees it */
#include "authority.c"
#include "certificate.c"
#include "deny-list.c"
#undef free
#include "announce.c"
#include "entries.c"
#include "host.c"
#include "index.c"
#include "index-bytes.c"
#include "index-signature.c"
#include "products.c"
#include "state.c"
#include "subject.c"
#include "term.c"
#include "timestamp.c"
#undef malloc
#undef calloc

/* The functions below replace those of events.c. A refusal ends the reading of an input. */
static jmp_buf refused;

/* The descriptor of the index in sealed memory, or -1. */
static int sealed = -1;

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
	(void)status;
	(void)code;
	(void)format;
	longjmp(refused, 1);
}

/* Resets all static state to that of a process that has just started. */
static void forget(void)
{
	if (contents != NULL && contents->slots != NULL)
		munmap(contents->slots, (contents->mask + 1) * sizeof *contents->slots);
	contents = NULL;
	while (kept_count > 0) {
		kept_count--;
		free(kept[kept_count]);
	}
	if (mapped != NULL)
		munmap(mapped, mapped_length);
	mapped = NULL;
	if (sealed >= 0)
		close(sealed);
	sealed = -1;
	for (size_t i = 0; i < loaded.product_count; i++)
		loaded.products[i] = (struct product){0};
	loaded.product_count = 0;
	loaded.entry_count = 0;
	once = (pthread_once_t)PTHREAD_ONCE_INIT;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		times[i] = UINT64_MAX;
	added = NULL;
	grounds = NULL;
	for (size_t i = 0; i < OF_NOTHING; i++)
		denied_grounds[i] = NULL;
	rules = (struct rules){.host_mode = -1, .host_file = "none"};
	host_length = 0;
}

/* Reads every byte that an entry points to, so that the sanitizers check the access. */
static void look_up_path(const char *path)
{
	volatile uint8_t read = 0;
	const struct entry entry = find_entry(path);
	for (size_t i = 0; entry.digest != NULL && i < SHA256_BYTES; i++)
		read ^= entry.digest[i];
	for (size_t i = 0; entry.target != NULL && i < entry.target_length; i++)
		read ^= (uint8_t)entry.target[i];
}

/* Looks up paths that may be in the product or not. */
static void look_up_usual_names(const struct product *product)
{
	static const char *const NAMES[] = {"main.py", "link", "link/to.py", "none", "~", ""};
	char path[2 * PATH_MAX];
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		snprintf(path, sizeof path, "%.*s/%s", PATH_MAX, product->root, NAMES[i]);
		look_up_path(path);
	}
}

/* Looks up the contents of the product's first records, and their paths if these are within the
 * index. */
static void look_up_records(const struct product *product)
{
	char path[2 * PATH_MAX];
	for (uint32_t i = product->first; i < product->end && i < product->first + 8; i++) {
		const uint8_t *record = record_at(&loaded.table, i);
		const size_t at = loaded.table.names_start + (size_t)read_u32(record);
		const size_t length = read_u16(record + PATH_BYTES_AT);
		const bool is_file = read_u16(record + KIND_AT) == FILE_KIND;
		/* Rules may refuse a file that is in the index. */
		if (is_file && !find_content(record + DIGEST_AT) && rules.file_rules == NULL)
			abort();
		if (at + length > loaded.table.size)
			continue;
		snprintf(path, sizeof path, "%.*s/%.*s", PATH_MAX, product->root, (int)length,
			(const char *)loaded.table.bytes + at);
		look_up_path(path);
	}
}

static void look_up(void)
{
	for (size_t i = 0; i < loaded.product_count && i < 4; i++) {
		look_up_usual_names(&loaded.products[i]);
		look_up_records(&loaded.products[i]);
	}
	look_up_path("/");
	announce(NULL, NULL);
}

static void read_unsigned(const uint8_t *data, size_t size)
{
	if (size < HEADER_BYTES)
		return;
	find_parts(data, size);
	read_head(-1);
	prepare_contents();
	look_up();
}

static void read_with_host(const uint8_t *data, size_t size)
{
	if (size < 2)
		return;
	host = data + 2;
	host_length = read_u16(data);
	if (host_length > size - 2)
		return;
	unsigned count = 0;
	reread(&count); /* takes over what the configuration denies, as a running process does */
	read_host("none");
	read_unsigned(host + host_length, size - 2 - host_length);
}

/* Reads an index in sealed memory, as the launcher passes it. */
static void read_sealed(const uint8_t *data, size_t size)
{
	sealed = memfd_create("index", MFD_ALLOW_SEALING);
	if (write(sealed, data, size) != (ssize_t)size)
		return;
	if (fcntl(sealed, F_ADD_SEALS, ALL_SEALS) != 0)
		return;
	load_index(NULL, sealed, -1);
	look_up();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	forget();
	if (size == 0 || setjmp(refused) != 0)
		return 0;
	switch (*data % 3) {
	case 0:
		read_sealed(data + 1, size - 1);
		break;
	case 1:
		read_unsigned(data + 1, size - 1);
		break;
	default:
		read_with_host(data + 1, size - 1);
	}
	return 0;
}
