#define _GNU_SOURCE
#include "look-up.h"
#include <dlfcn.h>
#include <stddef.h>

/* Other code gets what it asks for. libc finds out who asks, for RTLD_NEXT, by the return address.
 * So `dlsym` is no C function: it asks judge_lookup(), and then jumps to libc's function, which
 * returns to the caller. */
#ifdef __x86_64__
__asm__(".text\n"
		".globl dlsym\n"
		".type dlsym, @function\n"
		"dlsym:\n"
		"push %rdi\n"
		"push %rsi\n"
		"sub $8, %rsp\n" /* aligns the stack to 16 bytes */
		"mov 24(%rsp), %rdx\n" /* the return address */
		"call judge_lookup\n"
		"add $8, %rsp\n"
		"pop %rsi\n"
		"pop %rdi\n"
		"jmp *%rax\n"
		".size dlsym, . - dlsym\n");
#else
__asm__(".text\n"
		".globl dlsym\n"
		".type dlsym, %function\n"
		"dlsym:\n"
		"stp x0, x1, [sp, #-32]!\n"
		"str x30, [sp, #16]\n"
		"mov x2, x30\n" /* the return address */
		"bl judge_lookup\n"
		"mov x16, x0\n"
		"ldr x30, [sp, #16]\n"
		"ldp x0, x1, [sp], #32\n"
		"br x16\n"
		".size dlsym, . - dlsym\n");
#endif

/* glibc had the function in libdl before version 2.34. AddressSanitizer calls this before it is set
 * up. */
__attribute__((no_sanitize("address", "undefined"))) look_up *real_dlsym(void)
{
	static look_up *found;
	static const char *const VERSIONS[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
	for (size_t i = 0; found == NULL && i < sizeof VERSIONS / sizeof *VERSIONS; i++)
		found = (look_up *)dlvsym(RTLD_NEXT, "dlsym", VERSIONS[i]);
	return found;
}
