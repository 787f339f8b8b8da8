/* Where a spython begins. It does not hold CPython: it is a shared object that the interpreter's
 * own program loads before all others, and whose main() takes the place of that program's. So
 * nothing of CPython is linked, and code runs as fast.
 *
 * Executed, it has neither loader nor libc: the kernel jumps to `spython_start`, which drops the
 * variables by which the loader would load other code, and executes that program with this file as
 * LD_PRELOAD, and a first word that CPython does not know: should the loader not load it, nothing
 * runs. */
#define _GNU_SOURCE
#include "spython.h"
#include "../environment.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>

#define BARE                                                                                       \
	__attribute__((no_stack_protector,                                                             \
		no_sanitize("address", "undefined"))) /* before there is anything to check it with */
#define OPENED                                                                                     \
	"/proc/self/fd/" /* and a number: no path has a space or a colon then, which would part it */

#ifdef __x86_64__
__asm__(".text\n.hidden spython_start\n.globl spython_start\nspython_start: xor %ebp, %ebp\nmov "
		"%rsp, %rdi\nand $-16, %rsp\ncall spython_begin\nhlt\n");
BARE static long call(long number, long a, const void *b, const void *c, long d)
{
	register long fourth __asm__("r10") = d;
	__asm__ volatile("syscall"
		: "+a"(number)
		: "D"(a), "S"(b), "d"(c), "r"(fourth)
		: "rcx", "r11", "memory");
	return number;
}
#else
__asm__(".text\n.hidden spython_start\n.globl spython_start\nspython_start: mov x29, #0\nmov x30, "
		"#0\nmov x0, sp\nb spython_begin\n");
BARE static long call(long number, long a, const void *b, const void *c, long d)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = (long)b,
					 x2 __asm__("x2") = (long)c, x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#endif

BARE static int begins(const char *text, const char *with)
{
	while (*with != 0 && *text == *with)
		text++, with++;
	return *with == 0;
}

/* `stack` as the kernel leaves it: the number of words, they, a null, the variables, a null, and
 * what is not needed here. In place, as both get one more; that number's place is free. */
BARE __attribute__((noreturn, used)) void spython_begin(char **stack)
{
	static const char refusal[] = "spython: Cannot start \"" SPYTHON_PROGRAM
								  "\", which it was built for: that, or /proc, is not there, or "
								  "words, variables or open files are too many\n";
	static char preload[] =
		"LD_PRELOAD=" SPYTHON_PRELOADED OPENED "1234567890"; /* the digits are written below */
	char **variables = stack + 2 + *(long *)stack, **kept = variables,
		 *digit = preload + sizeof preload - sizeof "1234567890";
	/* A debugger looks for the name among its own descriptors: by a number that few have, where so
	 * many may be open. */
	const long own =
				   call(SYS_openat, AT_FDCWD, "/proc/self/exe", (void *)(O_RDONLY | O_CLOEXEC), 0),
			   high = call(SYS_fcntl, own, (void *)F_DUPFD, (void *)900, 0);
	const long self = high < 0 ? call(SYS_fcntl, own, (void *)F_DUPFD, NULL, 0) : high;
	for (char **variable = variables; *variable != NULL; variable++)
		if (!begins(*variable, "LD_") && !begins(*variable, "GLIBC_TUNABLES="))
			*kept++ = *variable;
	for (long unit = 1000000000; unit > 0; unit /= 10)
		if (unit <= self || unit == 1)
			*digit++ = (char)('0' + self / unit % 10);
	*digit = 0;
	*kept++ = preload;
	*kept = NULL;
	stack[0] = stack[1];
	stack[1] = "--spython";
	if (self >= 0 && stack[0] != NULL /* before Linux 5.18 there may be no word */)
		call(SYS_execve, (long)SPYTHON_PROGRAM, stack, variables, 0);
	call(SYS_write, 2, refusal, (void *)(sizeof refusal - 1), 0);
	for (;;)
		call(SYS_exit_group, REFUSED, NULL, NULL, 0);
}

/* libc's, which the interpreter's program calls with its own main(). Variables are dropped as the
 * launcher does it. */
__attribute__((visibility("default"))) int __libc_start_main(void *Py_UNUSED(main), int count,
	char **words, void (*init)(void), void (*fini)(void), void (*last)(void), void *stack_end)
{
	__typeof__(&__libc_start_main) start =
		(__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main");
	char *preload = getenv("LD_PRELOAD"), *self = preload == NULL ? NULL : strstr(preload, OPENED);
	if (self != NULL)
		close(atoi(self + strlen(OPENED)));
	if (preload != NULL)
		memset(preload - strlen("LD_PRELOAD="), 0,
			strlen("LD_PRELOAD=") + strlen(preload)); /* in /proc/self/environ, too */
	if ((environ = clean_environment(0, NULL)) == NULL)
		fail(REFUSED, NULL, "Cannot start: more than 4094 variables");
	return start((void *)run_spython, count, words, init, fini, last, stack_end);
}
