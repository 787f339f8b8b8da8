/* Executes the interpreter's program and makes it load spython.
 *
 * spython contains nothing of CPython. It is a shared object that the interpreter's own program
 * loads before all others, and run_spython() replaces the main() of that program. So nothing of
 * CPython is linked in, and code runs as fast as in CPython.
 *
 * If spython is executed as a file, it has neither loader nor libc: the kernel jumps to
 * `spython_start`. This code drops the environment variables by which the loader would load other
 * code. Then it executes the interpreter's program with this file as LD_PRELOAD, and with the first
 * argument `--spython`, which CPython does not know.
 *
 * Guarantees that nothing runs if the loader does not load spython, because CPython then refuses
 * that argument. */
#define _GNU_SOURCE
#include "spython.h"
#include "../shared/process/environment.h"
#include "../shared/process/system-call.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>

/* Marks the functions that run without loader and libc. When these functions run, stack protector
 * and sanitizers are not set up, and nothing is relocated. So they call only each other, and use no
 * static data that contains pointers. */
#define BARE __attribute__((no_stack_protector, no_sanitize("address", "undefined")))

/* A path that begins like this ends with the number of a descriptor. LD_PRELOAD gets such a path,
 * because the file's own path could contain a space or a colon, which separate paths in
 * LD_PRELOAD. */
#define OPENED "/proc/self/fd/"
#define LONGEST_NUMBER "1234567890"

/* A debugger also opens the path in LD_PRELOAD, and finds its own descriptor with this number
 * there. It is unlikely to have a descriptor with such a high number open. */
enum { HIGH_DESCRIPTOR = 900 };

/* `spython_start` calls spython_begin() with the stack that the kernel made. */
#ifdef __x86_64__
__asm__(".text\n"
		".hidden spython_start\n"
		".globl spython_start\n"
		"spython_start:\n"
		"xor %ebp, %ebp\n" /* the ABI's mark of the outermost frame */
		"mov %rsp, %rdi\n"
		"and $-16, %rsp\n"
		"call spython_begin\n"
		"hlt\n");
#else
__asm__(".text\n"
		".hidden spython_start\n"
		".globl spython_start\n"
		"spython_start:\n"
		"mov x29, #0\n" /* the ABI's mark of the outermost frame */
		"mov x30, #0\n"
		"mov x0, sp\n"
		"b spython_begin\n");
#endif

BARE static bool begins_with(const char *text, const char *beginning)
{
	while (*beginning != '\0') {
		if (*text != *beginning)
			return false;
		text++;
		beginning++;
	}
	return true;
}

/* Opens the file of spython, and returns a descriptor that execve() leaves open. The descriptor is
 * HIGH_DESCRIPTOR or above if the limit of open files allows that. The result is negative if there
 * is no /proc or no descriptor left. */
BARE static long open_self(void)
{
	const void *flags = (void *)(O_RDONLY | O_CLOEXEC);
	const void *least = (void *)HIGH_DESCRIPTOR;
	const long closed_by_execve = system_call(SYS_openat, AT_FDCWD, "/proc/self/exe", flags, 0);
	const long high = system_call(SYS_fcntl, closed_by_execve, (void *)F_DUPFD, least, 0);
	if (high >= 0)
		return high;
	return system_call(SYS_fcntl, closed_by_execve, (void *)F_DUPFD, NULL, 0);
}

/* Writes a number in decimal and a NUL to `to`, which has room for LONGEST_NUMBER. */
BARE static void write_number(char *to, long number)
{
	for (long unit = 1000000000; unit > 0; unit /= 10) {
		const bool is_written = unit <= number || unit == 1;
		if (is_written)
			*to++ = (char)('0' + number / unit % 10);
	}
	*to = '\0';
}

/* Removes the environment variables that control the loader from the list `variables`, and appends
 * `preload`. The list can become longer by one element. A longer list overwrites the beginning of
 * the auxiliary vector, which execve() does not need. */
BARE static void replace_loader_variables(char **variables, char *preload)
{
	char **kept = variables;
	for (char **variable = variables; *variable != NULL; variable++) {
		if (!begins_with(*variable, "LD_") && !begins_with(*variable, "GLIBC_TUNABLES="))
			*kept++ = *variable;
	}
	*kept++ = preload;
	*kept = NULL;
}

/* Executes the interpreter's program as described above. Ends the process if that fails. On `stack`
 * the kernel has left argc, argv and a null, the environment variables and a null, and the
 * auxiliary vector. `--spython` becomes the second element of argv, and no other element has to be
 * moved except the first: it takes the place of argc, which is not needed any more. */
BARE __attribute__((noreturn, used)) void spython_begin(char **stack)
{
	static const char refusal[] = "spython: Cannot start \"" SPYTHON_PROGRAM
								  "\", which it was built for: that, or /proc, is missing, or "
								  "there are too many arguments, environment variables or open "
								  "files\n";
	static char preload[] = "LD_PRELOAD=" SPYTHON_PRELOADED OPENED LONGEST_NUMBER;
	const long argument_count = *(long *)stack;
	char **variables = stack + 1 + argument_count + 1;
	long fault = open_self();
	const long self = fault;
	write_number(preload + sizeof preload - sizeof LONGEST_NUMBER, self);
	replace_loader_variables(variables, preload);
	stack[0] = stack[1];
	stack[1] = "--spython";
	/* Before Linux 5.18 the kernel can start a program with an empty argv. */
	if (self >= 0 && stack[0] != NULL)
		fault = system_call(SYS_execve, (long)SPYTHON_PROGRAM, stack, variables, 0);
	system_call(SYS_write, STDERR_FILENO, refusal, (void *)(sizeof refusal - 1), 0);
	/* These faults do not pass: the interpreter's program may not be executed, or there are too
	 * many arguments. All other faults may pass. status_of() would decide in the same way, but no
	 * function of libc or of another file can be called here. */
	const bool is_lasting = stack[0] == NULL || fault == -E2BIG || fault == -EACCES ||
		fault == -ENOEXEC || fault == -ELOOP || fault == -EPERM;
	for (;;)
		system_call(SYS_exit_group, is_lasting ? REFUSED : UNDECIDED, NULL, NULL, 0);
}

/* Takes the place of libc's function with this name, which the interpreter's program calls. Ignores
 * the program's main(), and calls libc's function with run_spython(). Leaves in `environ` only the
 * variables that the launcher would let pass too. */
__attribute__((visibility("default"))) int __libc_start_main(void *Py_UNUSED(main),
	int argument_count, char **arguments, void (*init)(void), void (*fini)(void),
	void (*last)(void), void *stack_end)
{
	__typeof__(&__libc_start_main) start_main =
		(__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main");
	forget_preload();
	environ = clean_environment(&(struct passing){.only = ALL_HARMLESS}, NULL);
	if (environ == NULL)
		fail(REFUSED, NULL, "Cannot start: there are more than 4094 environment variables");
	return start_main((void *)run_spython, argument_count, arguments, init, fini, last, stack_end);
}
