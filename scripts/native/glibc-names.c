/* The functions of glibc that musl does not have, and that GCC's libraries for C++, OpenSSL and
 * SoftHSM call. With them, these libraries of Debian work in a program for musl. Only tests use
 * this. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

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

/* The headers of glibc make calls of strtol() and strtoul() calls of the functions below. */
unsigned long strtoul_of_musl(const char *text, char **end, int base) __asm__("strtoul");
unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
	return strtoul_of_musl(text, end, base);
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

/* From here on: what OpenSSL and SoftHSM call. */

long strtol_of_musl(const char *text, char **end, int base) __asm__("strtol");
long __isoc23_strtol(const char *text, char **end, int base)
{
	return strtol_of_musl(text, end, base);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

off64_t lseek64(int descriptor, off64_t offset, int whence)
{
	return lseek(descriptor, offset, whence);
}

/* Functions that glibc has for code compiled with checks of the sizes of buffers. `room` is the
 * size of the buffer. Nothing is checked here. */
int __vsnprintf_chk(
	char *text, size_t size, int flag, size_t room, const char *format, va_list values);
int __vsnprintf_chk(
	char *text, size_t size, int flag, size_t room, const char *format, va_list values)
{
	(void)flag;
	(void)room;
	return vsnprintf(text, size, format, values);
}

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...);
int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int length = __vsnprintf_chk(text, size, flag, room, format, values);
	va_end(values);
	return length;
}

int __sprintf_chk(char *text, int flag, size_t room, const char *format, ...);
int __sprintf_chk(char *text, int flag, size_t room, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int length = __vsnprintf_chk(text, room, flag, room, format, values);
	va_end(values);
	return length;
}

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list values);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list values)
{
	(void)flag;
	return vfprintf(file, format, values);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	const int length = __vfprintf_chk(file, flag, format, values);
	va_end(values);
	return length;
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list values;
	(void)flag;
	va_start(values, format);
	vsyslog(priority, format, values);
	va_end(values);
}

void *__memcpy_chk(void *to, const void *from, size_t size, size_t room);
void *__memcpy_chk(void *to, const void *from, size_t size, size_t room)
{
	(void)room;
	return memcpy(to, from, size);
}

void *__memset_chk(void *memory, int byte, size_t size, size_t room);
void *__memset_chk(void *memory, int byte, size_t size, size_t room)
{
	(void)room;
	return memset(memory, byte, size);
}

char *__strcat_chk(char *to, const char *from, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room)
{
	(void)room;
	return strcat(to, from);
}

char *__strncpy_chk(char *to, const char *from, size_t size, size_t room);
char *__strncpy_chk(char *to, const char *from, size_t size, size_t room)
{
	(void)room;
	return strncpy(to, from, size);
}

long __fdelt_chk(long descriptor)
{
	return descriptor / (long)(8 * sizeof(long));
}

/* OpenSSL uses them for asynchronous jobs, which nothing here starts. */
int getcontext(ucontext_t *context)
{
	(void)context;
	errno = ENOSYS;
	return -1;
}
int swapcontext(ucontext_t *restrict from, const ucontext_t *restrict to)
{
	(void)to;
	return getcontext(from);
}
void makecontext(ucontext_t *context, void (*begin)(void), int count, ...)
{
	(void)context;
	(void)begin;
	(void)count;
}
