/* Takes the place of dlsym(3) for the whole process. One file of a program includes this. */
#ifndef SIGTOOL_TAKE_DLSYM_H
#define SIGTOOL_TAKE_DLSYM_H
#include "look-up.h"

/* The file that includes this header defines this function. It returns the function that answers
 * the call: real_dlsym(), or one of its own. `caller` is an address in the code that called
 * dlsym(3). */
__attribute__((used, visibility("hidden"))) look_up *judge_lookup(
	void *library, const char *name, const void *caller);

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

#endif
