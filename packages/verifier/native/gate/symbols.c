/* Takes the place of dlsym(3) for the whole program, so that Node.js finds only the entry functions
 * of addons.
 *
 * A library that is signed leads to every function of the libraries that it is linked to, libc
 * above all. SQLite calls a function of an extension whose name the program chooses, and node:ffi
 * calls any. So Node.js itself may look up nothing else, once the program has begun. */
#define _GNU_SOURCE
#include "gate.h"
#include <dlfcn.h>
#include <string.h>

typedef void *look_up(void *library, const char *name);

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

static bool is_entry_of_addon(const char *name)
{
	static const char *const ENTRIES[] = {
		"node_register_module_v",
		"napi_register_module_v",
		"node_api_module_get_api_version_v",
	};
	for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++) {
		if (strncmp(name, ENTRIES[i], strlen(ENTRIES[i])) == 0)
			return true;
	}
	return false;
}

/* glibc had the function in libdl before version 2.34. */
void *(*real_dlsym(void))(void *library, const char *name)
{
	static look_up *found;
	static const char *const VERSIONS[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
	for (size_t i = 0; found == NULL && i < sizeof VERSIONS / sizeof *VERSIONS; i++)
		found = (look_up *)dlvsym(RTLD_NEXT, "dlsym", VERSIONS[i]);
	return found;
}

/* Returns libc's function. Ends the process if Node.js looks up anything but an entry function. */
__attribute__((used, visibility("hidden"))) look_up *judge_lookup(
	void *library, const char *name, const void *caller)
{
	/* Node.js looks up functions of libc that may be missing, by names of its own, without a
	 * library. A program always names a library. */
	const bool is_judged = library != RTLD_DEFAULT && library != RTLD_NEXT && is_own_code(caller);
	if (is_judged && is_gate_closed() && has_program_begun() && !is_entry_of_addon(name))
		end_intrusion(&(struct finding){.kind = "symbol", .path = name});
	return real_dlsym();
}

void register_nothing(void)
{
}
