/* libFuzzer target for what reads a trust index: whole files by their signature where the first octet is even, and else head,
 * records and names whatever their signature, which nobody but a signer could bring. Reads of paths follow either. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Freed when the next input comes: a process that starts once keeps all of it. */
static void *kept[4096], *mapped;
static size_t kept_count, mapped_length;
static void *keep(void *memory) { return kept[kept_count++] = memory; }
static void *map(size_t length) {
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
#include "host.c"
#include "index.c"
#undef malloc
#undef calloc

static jmp_buf refused;
void open_sinks(void) {}
void raise_event(const char *event, enum verdict verdict, ...) { (void)event, (void)verdict; }
_Noreturn void fail(int status, const char *code, const char *format, ...) {
	(void)status, (void)code, (void)format;
	longjmp(refused, 1);
}

static void forget(void) {
	while (kept_count > 0) free(kept[--kept_count]);
	if (mapped != NULL) munmap(mapped, mapped_length);
	mapped = NULL;
	for (size_t i = 0; i < product_count; i++) products[i] = (struct product){0};
	product_count = entry_count = 0;
	not_after = UINT64_MAX;
	policy = catalog_signers = listed = NULL;
	rules = (struct rules){.host_mode = -1, .host_file = "none"};
}

static void look_up(void) {
	static const char *const PATHS[] = {"/srv/app/main.py", "/srv/app/lib/util.py", "/srv/app/link", "/srv/app/", "/", "/usr/lib/python3/os.py"};
	volatile uint8_t read = 0;
	for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
		const struct entry entry = find_entry(PATHS[i]);
		for (size_t j = 0; entry.digest != NULL && j < SHA256_BYTES; j++) read ^= entry.digest[j];
		for (size_t j = 0; entry.target != NULL && j < entry.target_length; j++) read ^= (uint8_t)entry.target[j];
	}
	announce(NULL);
}

static void read_unsigned(const uint8_t *data, size_t size) {
	if (size < HEADER) return;
	find_parts(data, size);
	read_head(-1);
	look_up();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	forget();
	if (size == 0 || setjmp(refused) != 0) return 0;
	if (*data % 2 == 1) return read_unsigned(data + 1, size - 1), 0;
	int memory = memfd_create("index", MFD_ALLOW_SEALING);
	if (write(memory, data + 1, size - 1) == (ssize_t)size - 1 && fcntl(memory, F_ADD_SEALS, ALL_SEALS) == 0) {
		load_index(NULL, memory, -1);
		look_up();
	}
	return 0;
}
