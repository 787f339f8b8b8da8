/* libFuzzer target for what reads a trust index, by the first octet modulo 3: whole files, by their
 * signature (0); head, records and names whatever their signature, which nobody but a signer could
 * bring (1); the same behind a host configuration and its length in two octets (2). Look-ups follow
 * each, of paths in every product. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Freed when the next input comes: a process that starts once keeps all of it. */
static void *kept[4096], *mapped;
static size_t kept_count, mapped_length;
static void *keep(void *memory)
{
	return kept[kept_count++] = memory;
}
static void *map(size_t length)
{
	mapped_length = length;
	return mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
#include "spython.h"
#define malloc(size) keep(malloc(size))
#define calloc(count, size) keep(calloc(count, size))
#define strndup(text, size) keep(strndup(text, size))
#define mmap(address, length, ...) map(length)
#include "../find-record.c"
#include "../hex.c"
#include "../json.c"
#include "../members.c"
#include "../owned-file.c"
static const uint8_t *host;
static size_t host_length;
static ssize_t give_host(char *text, size_t room)
{
	if (host_length > room)
		return -1;
	memcpy(text, host, host_length);
	return (ssize_t)host_length;
}
#define read_owned(path, trusted, text, room, why) (*(why) = "", give_host(text, room))
#define realpath(path, resolved) keep(realpath(path, resolved))
#include "host.c"
#include "index.c"
#undef malloc
#undef calloc

static jmp_buf refused;
void open_sinks(void)
{
}
void raise_event(const char *event, enum verdict verdict, ...)
{
	(void)event, (void)verdict;
}
_Noreturn void fail(int status, const char *code, const char *format, ...)
{
	(void)status, (void)code, (void)format;
	longjmp(refused, 1);
}

static void forget(void)
{
	while (kept_count > 0)
		free(kept[--kept_count]);
	if (mapped != NULL)
		munmap(mapped, mapped_length);
	mapped = NULL;
	for (size_t i = 0; i < product_count; i++)
		products[i] = (struct product){0};
	product_count = entry_count = 0;
	not_after = UINT64_MAX;
	policy = catalog_signers = listed = NULL;
	rules = (struct rules){.host_mode = -1, .host_file = "none", .max_size = 64 << 20};
	own_mode = MODE_ENFORCE;
	ima = 0;
	json_lines = NULL;
	host_length = 0;
}

static void look_up_path(const char *path)
{
	volatile uint8_t read = 0;
	const struct entry entry = find_entry(path);
	for (size_t i = 0; entry.digest != NULL && i < SHA256_BYTES; i++)
		read ^= entry.digest[i];
	for (size_t i = 0; entry.target != NULL && i < entry.target_length; i++)
		read ^= (uint8_t)entry.target[i];
}

/* Names that the records give themselves, as far as there is something, and others. */
static void look_up(void)
{
	static const char *const NAMES[] = {"main.py", "link", "link/to.py", "none", "~", ""};
	char path[2 * PATH_MAX];
	for (const struct product *p = products; p < products + product_count && p < products + 4;
		p++) {
		for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
			snprintf(path, sizeof path, "%.*s/%s", PATH_MAX, p->root, NAMES[i]);
			look_up_path(path);
		}
		for (uint32_t i = p->first; i < p->end && i < p->first + 8; i++) {
			const uint8_t *record = table.bytes + table.records_start + (size_t)i * RECORD_BYTES;
			const size_t at = table.names_start + (size_t)read_u32(record),
						 length = read_u16(record + PATH_BYTES_AT);
			if (at + length > table.size)
				continue;
			snprintf(path, sizeof path, "%.*s/%.*s", PATH_MAX, p->root, (int)length,
				(const char *)table.bytes + at);
			look_up_path(path);
		}
	}
	look_up_path("/");
	announce(NULL);
}

static void read_unsigned(const uint8_t *data, size_t size)
{
	if (size < HEADER)
		return;
	find_parts(data, size);
	read_head(-1);
	look_up();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	forget();
	if (size == 0 || setjmp(refused) != 0)
		return 0;
	if (*data % 3 == 1)
		return read_unsigned(data + 1, size - 1), 0;
	if (*data % 3 == 2) {
		if (size < 3)
			return 0;
		host = data + 3;
		host_length = read_u16(data + 1);
		if (host_length > size - 3)
			return 0;
		read_host("none");
		return read_unsigned(host + host_length, size - 3 - host_length), 0;
	}
	int memory = memfd_create("index", MFD_ALLOW_SEALING);
	if (write(memory, data + 1, size - 1) == (ssize_t)size - 1 &&
		fcntl(memory, F_ADD_SEALS, ALL_SEALS) == 0) {
		load_index(NULL, memory, -1);
		look_up();
	}
	return 0;
}
