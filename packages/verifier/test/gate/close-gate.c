/* Closes the gate over the file of a program that it does not run. patches.test.ts builds this
 * program for each processor, whose code is only read and written, never run. So the files may be
 * of another processor than this program.
 *
 * Usage: `close-gate FILE`, where FILE is an executable of Node.js. The output has one line for
 * each function of engine.h that the gate changes: `in-front` or `instead`, the number of bytes
 * that are displaced, the distance to its work, and its name. The program fails if the gate leaves
 * out a function, if it changes another one when a function begins with unknown bytes, or if it
 * changes more than the first bytes of functions and the checks of types. It also fails if Node.js
 * reads internal fields without such a check. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* The file, and its segments at the distances that they have in a process. */
static const uint8_t *file;
static uint8_t *base;

static size_t calls_to_kernel;
static uint8_t *code;
static void *find_symbol(const char *name);

__attribute__((format(printf, 1, 2))) static _Noreturn void give_up(const char *format, ...);

static void *map_watched(void *address, size_t length, int protection, int flags)
{
	calls_to_kernel++;
	code = mmap(address, length, protection, flags, -1, 0);
	return code;
}

static int protect_watched(void *address, size_t length, int protection)
{
	calls_to_kernel++;
	if ((protection & PROT_WRITE) != 0 && (protection & PROT_EXEC) != 0)
		give_up("memory is writable and executable at once");
	return mprotect(address, length, protection);
}

#include "engine.c"
#define mmap(address, length, protection, flags, ...)                                              \
	map_watched(address, length, protection, flags)
#define mprotect protect_watched
#include "patch.c"
#include "internal-fields.c"
#undef mmap
#undef mprotect

static struct patch patches[MAX_PATCHES];
static size_t patch_count;

static bool take_patches(const struct patch *wanted, size_t count)
{
	memcpy(patches, wanted, count * sizeof *patches);
	patch_count = count;
	return true;
}

#include "progress.c"
/* start() needs the launcher. Here it is an unused function, which the compiler leaves out. */
#define apply_patches take_patches
#define constructor unused
#include "start.c"
#undef apply_patches

#ifdef PATCH_ARM64
static const int MACHINE = EM_AARCH64;
enum { PATCH_STEP = 4 };
#else
static const int MACHINE = EM_X86_64;
enum { PATCH_STEP = 1 };
#endif

static void give_up(const char *format, ...)
{
	va_list values;
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fputc('\n', stderr);
	exit(1);
}

/* These are only compared. */
void judge_script(struct arguments *arguments)
{
	(void)arguments;
}
void judge_function(struct arguments *arguments)
{
	(void)arguments;
}
void take_judge_of_strings(struct arguments *arguments)
{
	(void)arguments;
}
void take_judge_of_wasm(struct arguments *arguments)
{
	(void)arguments;
}
void deny_strings(struct arguments *arguments)
{
	(void)arguments;
}
void judge_flags(struct arguments *arguments)
{
	(void)arguments;
}
void judge_command_line_flags(struct arguments *arguments)
{
	(void)arguments;
}
void prepare_isolate(struct arguments *arguments)
{
	(void)arguments;
}
void accept_source_file(struct arguments *arguments)
{
	(void)arguments;
}
void move_used_memory(struct arguments *arguments)
{
	(void)arguments;
}
void move_adopted_memory(struct arguments *arguments)
{
	(void)arguments;
}
void note_request(struct arguments *arguments)
{
	(void)arguments;
}
void await_addon(struct arguments *arguments)
{
	(void)arguments;
}
void open_buffers(void)
{
}
bool open_copies(void)
{
	return true;
}
bool seal_decisions(void)
{
	abort();
}
void fail(int status, const char *code, const char *format, ...)
{
	(void)status, (void)code, (void)format;
	abort();
}
void end_intrusion(const struct finding *finding)
{
	(void)finding;
	abort();
}
void *make_allocator(void)
{
	abort();
}
void *allocate_pages(void *self, void *hint, size_t size, size_t alignment, int permission)
{
	(void)self, (void)hint, (void)size, (void)alignment, (void)permission;
	abort();
}
bool free_pages(void *self, void *memory, size_t size)
{
	(void)self, (void)memory, (void)size;
	abort();
}
static void *find_in_file(void *library, const char *name)
{
	(void)library;
	return find_symbol(name);
}
void *(*real_dlsym(void))(void *library, const char *name)
{
	return find_in_file;
}
void refuse_streaming(void)
{
	abort();
}
void refuse_code_cache(void)
{
	abort();
}
void refuse_inspector(void)
{
	abort();
}
void register_nothing(void)
{
	abort();
}

static const Elf64_Ehdr *header(void)
{
	return (const void *)file;
}

static const Elf64_Phdr *segments(void)
{
	return (const void *)(file + header()->e_phoff);
}

static void *find_symbol(const char *name)
{
	const Elf64_Shdr *sections = (const void *)(file + header()->e_shoff);
	for (size_t i = 0; i < header()->e_shnum; i++) {
		if (sections[i].sh_type != SHT_DYNSYM)
			continue;
		const Elf64_Sym *symbols = (const void *)(file + sections[i].sh_offset);
		const char *names = (const char *)file + sections[sections[i].sh_link].sh_offset;
		for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++) {
			if (symbols[k].st_shndx != SHN_UNDEF && strcmp(names + symbols[k].st_name, name) == 0)
				return base + symbols[k].st_value;
		}
	}
	return NULL;
}

static void load(const char *path)
{
	struct stat entry;
	const int opened = open(path, O_RDONLY | O_CLOEXEC);
	if (opened < 0 || fstat(opened, &entry) != 0)
		give_up("Cannot open \"%s\": %m", path);
	file = mmap(NULL, (size_t)entry.st_size, PROT_READ, MAP_PRIVATE, opened, 0);
	if (file == MAP_FAILED || header()->e_machine != MACHINE)
		give_up("\"%s\" is no program for this processor", path);
	size_t end = 0;
	for (size_t i = 0; i < header()->e_phnum; i++) {
		if (segments()[i].p_type == PT_LOAD)
			end = segments()[i].p_vaddr + segments()[i].p_memsz;
	}
	base = mmap(NULL, end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		give_up("Cannot reserve memory: %m");
	for (size_t i = 0; i < header()->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments()[i];
		const size_t before = segment->p_vaddr % PAGE;
		if (segment->p_type == PT_LOAD &&
			mmap(base + segment->p_vaddr - before, segment->p_filesz + before,
				PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, opened,
				(off_t)(segment->p_offset - before)) == MAP_FAILED)
			give_up("Cannot map a segment: %m");
	}
	close(opened);
}

/* Notes where the code is, as find_engine() does for a program that runs. */
static void note_code(void)
{
	for (size_t i = 0; i < header()->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments()[i];
		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0)
			add_range(
				own.code, &own.code_count, (uintptr_t)base + segment->p_vaddr, segment->p_memsz);
	}
}

/* Returns true if the byte belongs to a check of a type. `original` is where it is in the file. */
static bool is_of_check(const uint8_t *original)
{
	enum { LOAD_BYTES = 4, SEEN = 64 };
	for (size_t i = 0; i < LOAD_BYTES; i++) {
		uint8_t *load = (uint8_t *)original - i;
		if (find_type_check(load, load + SEEN) == load)
			return true;
	}
	return false;
}

/* Returns true if this is a call of the function, or a jump to it. */
static bool is_call_of(const uint8_t *place, const void *function)
{
	int32_t word;
#ifdef PATCH_ARM64
	memcpy(&word, place, sizeof word);
	const bool is_call = ((uint32_t)word >> 26 & 31) == 5;
	return is_call && place + (intptr_t)((int32_t)((uint32_t)word << 6) >> 6) * 4 == function;
#else
	memcpy(&word, place + 1, sizeof word);
	return (place[0] == 0xe8 || place[0] == 0xe9) && place + 5 + word == function;
#endif
}

/* Fails unless there is a check of a type for each call of V8's functions that read a field. */
static void expect_checks(void)
{
	const void *const functions[] = {
		calls.read_field,
		find_symbol("_ZN2v86Object20SlowGetInternalFieldEi"),
	};
	const struct code node = code_of_node();
	size_t checks = 0;
	size_t reads = 0;
	for (uint8_t *at = node.first; (at = find_type_check(at, node.end)) != NULL; at += PATCH_STEP)
		checks++;
	for (const uint8_t *at = node.first; at < node.end; at += PATCH_STEP)
		reads += is_call_of(at, functions[0]) || is_call_of(at, functions[1]);
	if (checks < reads)
		give_up("%zu reads of internal fields, and %zu checks", reads, checks);
}

static bool is_patched(const uint8_t *byte)
{
	for (size_t i = 0; i < patch_count; i++) {
		const uint8_t *function = patches[i].function;
		if (byte >= function && byte < function + jump_bytes())
			return true;
	}
	return false;
}

/* Fails if the memory differs from the file, elsewhere than in patches if those are expected. */
static void expect_changes(bool are_expected)
{
	for (size_t i = 0; i < header()->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments()[i];
		const uint8_t *memory = base + segment->p_vaddr;
		const uint8_t *original = file + segment->p_offset;
		if (segment->p_type != PT_LOAD)
			continue;
		for (size_t at = 0; at < segment->p_filesz; at += PAGE) {
			const size_t rest = segment->p_filesz - at < PAGE ? segment->p_filesz - at : PAGE;
			if (memcmp(memory + at, original + at, rest) == 0)
				continue;
			for (size_t k = at; k < at + rest; k++) {
				if (memory[k] != original[k] && !(are_expected && is_patched(memory + k)) &&
					!is_of_check(original + k))
					give_up("the byte at %#zx changed", (size_t)segment->p_vaddr + k);
			}
		}
	}
}

/* Returns where the jump at the beginning of a function goes. */
static const uint8_t *decode_jump(const uint8_t *function)
{
	int32_t word;
#ifdef PATCH_ARM64
	memcpy(&word, function, sizeof word);
	if ((uint32_t)word >> 26 != 5)
		give_up("no b at the beginning");
	return function + (intptr_t)((int32_t)((uint32_t)word << 6) >> 6) * 4;
#else
	memcpy(&word, function + 1, sizeof word);
	if (function[0] != 0xe9)
		give_up("no jmp at the beginning");
	return function + 5 + word;
#endif
}

static const struct patch *patch_of(const uint8_t *work)
{
	for (size_t i = 0; i < patch_count; i++) {
		if (patches[i].function == work)
			return &patches[i];
	}
	give_up("a function gets no patch");
}

static void print_functions(void)
{
	for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
		const char *place = FUNCTIONS[i].place;
		uint8_t *function;
		memcpy(&function, place, sizeof function);
		if (place < (char *)&targets || place >= (char *)(&targets + 1) || function == NULL)
			continue;
		const uint8_t *work = find_work(function);
		const bool is_in_front = patch_of(work)->in_front != NULL;
		const bool is_first = find_symbol(FUNCTIONS[i].names[0]) == function;
		printf("%s %zu %td %s\n", is_in_front ? "in-front" : "instead", replaceable_bytes(work),
			work - function, FUNCTIONS[i].names[is_first ? 0 : 1]);
	}
}

static void expect_refusals(void)
{
	enum { BYTES = 4 };
	for (size_t i = 0; i < patch_count; i++) {
		uint8_t kept[BYTES];
		if (patches[i].in_front == NULL)
			continue;
		memcpy(kept, patches[i].function, BYTES);
		memset(patches[i].function, 0xcc, BYTES); /* int3; no instruction of AArch64 */
		calls_to_kernel = 0;
		if (apply_patches(patches, patch_count))
			give_up("a function that begins with unknown bytes is accepted");
		if (calls_to_kernel != 0)
			give_up("the patches are refused too late");
		memcpy(patches[i].function, kept, BYTES);
	}
	expect_changes(false);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		give_up("usage: close-gate FILE");
	load(argv[1]);
	note_code();
	if (find_engine())
		expect_checks();
	const char *lacks = close_gate();
	if (lacks != NULL)
		give_up("no gate: %s", lacks);
	const struct code node = code_of_node();
	mprotect(node.first, (size_t)(node.end - node.first), PROT_READ | PROT_WRITE);
	print_functions();
	expect_refusals();
	if (!apply_patches(patches, patch_count))
		give_up("the patches are refused");
	expect_changes(true);
	for (size_t i = 0; i < patch_count; i++) {
		if (decode_jump(patches[i].function) != code + i * CODE_BYTES)
			give_up("a jump goes elsewhere");
	}
	return 0;
}
