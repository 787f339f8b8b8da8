/* Takes the place of dlsym(3) for the whole program, so that Node.js finds only the entry functions
 * of addons.
 *
 * In a library that is signed, dlsym(3) also finds every function of the libraries that it is
 * linked to, libc above all. SQLite looks up a name that the program chooses in an extension, and
 * calls the function. node:ffi calls any function. So once the program has begun, Node.js itself
 * may look up nothing but entry functions, and only in what process.dlopen() loads: SQLite would
 * call them with its own arguments. */
#define _GNU_SOURCE
#include "../libraries/take-dlsym.h"
#include "gate.h"
#include <dlfcn.h>
#include <string.h>

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

static void *find_own(void *library, const char *name)
{
	(void)library;
	return strcmp(name, "dlopen") == 0 ? (void *)dlopen : (void *)dlmopen;
}

/* Returns libc's function, or one that knows the gate's dlopen() and dlmopen(): whoever looks these
 * up gets them, also in libc itself and by RTLD_NEXT. Ends the process if Node.js looks up anything
 * but an entry function. */
look_up *judge_lookup(void *library, const char *name, const void *caller)
{
	/* Node.js looks up functions of libc that may be missing, by names of its own, without a
	 * library. A program always names a library. */
	const bool is_judged = library != RTLD_DEFAULT && library != RTLD_NEXT && is_gate_closed() &&
		!is_only_reporting() && has_program_begun() && is_own_code(caller);
	if (is_judged && !(is_entry_of_addon(name) && may_look_up_entry()))
		end_intrusion(&(struct finding){.kind = "symbol", .path = name});
	const bool is_own =
		is_gate_closed() && (strcmp(name, "dlopen") == 0 || strcmp(name, "dlmopen") == 0);
	return is_own ? find_own : real_dlsym();
}

void register_nothing(void)
{
}
