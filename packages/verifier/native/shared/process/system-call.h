/* Makes system calls without libc: without a loader, and without errno, which is thread-local. */
#ifndef SIGTOOL_SYSTEM_CALL_H
#define SIGTOOL_SYSTEM_CALL_H

/* Makes a system call with up to four arguments. Returns its result, or a negative errno. */
#ifdef __x86_64__
static inline __attribute__((no_stack_protector, no_sanitize("address", "undefined"))) long
system_call(long number, long a, const void *b, const void *c, long d)
{
	register long fourth __asm__("r10") = d;
	__asm__ volatile("syscall"
		: "+a"(number)
		: "D"(a), "S"(b), "d"(c), "r"(fourth)
		: "rcx", "r11", "memory");
	return number;
}
#else
static inline __attribute__((no_stack_protector, no_sanitize("address", "undefined"))) long
system_call(long number, long a, const void *b, const void *c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = (long)b;
	register long x2 __asm__("x2") = (long)c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#endif

#endif
