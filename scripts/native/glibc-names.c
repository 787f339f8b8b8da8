/* The functions of glibc that GCC's libraries for C++ call and musl does not have. With them, these
 * libraries of Debian work in a program for musl. Only tests use this. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* Nothing that depends on the processor is chosen. */
struct {
	unsigned facts[4];
} __cpu_model;
int __cpu_indicator_init(void);
int __cpu_indicator_init(void)
{
	return 0;
}

char __libc_single_threaded = 0;

unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
	return strtoul(text, end, base);
}

size_t __strftime_l(
	char *text, size_t room, const char *format, const struct tm *time, locale_t locale);
size_t __strftime_l(
	char *text, size_t room, const char *format, const struct tm *time, locale_t locale)
{
	return strftime_l(text, room, format, time, locale);
}

uint32_t arc4random(void)
{
	uint32_t value;
	if (getrandom(&value, sizeof value, 0) != sizeof value)
		abort();
	return value;
}

/* Node.js has no numbers of this type. */
_Float128 strtof128(const char *text, char **end)
{
	(void)text;
	(void)end;
	abort();
}
int strfromf128(char *text, size_t room, const char *format, _Float128 value)
{
	(void)text;
	(void)room;
	(void)format;
	(void)value;
	abort();
}

/* Objects of threads are not destroyed. The program ends soon. */
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library);
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library)
{
	(void)destroy;
	(void)object;
	(void)library;
	return 0;
}

struct search {
	uintptr_t address;
	struct dl_find_object *found;
};

static int look_at(struct dl_phdr_info *object, size_t size, void *given)
{
	struct search *search = given;
	uintptr_t first = UINTPTR_MAX;
	uintptr_t end = 0;
	void *frames = NULL;
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const uintptr_t from = object->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == DLFO_EH_SEGMENT_TYPE)
			frames = (void *)from;
		if (segment->p_type != PT_LOAD)
			continue;
		first = from < first ? from : first;
		end = from + segment->p_memsz > end ? from + segment->p_memsz : end;
	}
	if (search->address < first || search->address >= end || frames == NULL)
		return 0;
	search->found->dlfo_flags = 0;
	search->found->dlfo_map_start = (void *)first;
	search->found->dlfo_map_end = (void *)end;
	search->found->dlfo_link_map = NULL;
	search->found->dlfo_eh_frame = frames;
	return 1;
}

/* Finds the tables by which an exception unwinds the stack. */
int _dl_find_object(void *address, struct dl_find_object *found)
{
	struct search search = {(uintptr_t)address, found};
	return dl_iterate_phdr(look_at, &search) == 1 ? 0 : -1;
}
