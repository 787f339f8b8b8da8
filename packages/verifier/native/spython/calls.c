/* Decides about calls that calls.h describes. */
#define _GNU_SOURCE
#include "calls.h"
#include "spython.h"
#include <dlfcn.h>
#include <link.h>

bool is_call_refused(const char *name, const char *detail, const char *why)
{
	char event[64];
	const enum verdict verdict = rules.mode < MODE_ENFORCE ? AUDIT : REFUSE;
	snprintf(event, sizeof event, "python.%s", name);
	raise_event(event, verdict, "detail", detail, "reason", "ERR_RUNTIME_RULE", NULL);
	if (verdict == REFUSE && rules.exit_on_refusal)
		fail(REFUSED, NULL, "Cannot go on with %s: %s (ERR_RUNTIME_RULE)", name, why);
	return verdict == REFUSE;
}

/* Returns the loader's handle of the object that the code at `caller` belongs to, or null. In glibc
 * the handle is the link_map. dlopen(3) by the object's path could give another object: a program
 * can load two from one path. */
static void *object_of(void *caller)
{
	Dl_info info;
	struct link_map *object;
	return dladdr1(caller, &info, (void **)&object, RTLD_DL_LINKMAP) == 0 ? NULL : object;
}

void *find_function_for(void *caller, const char *name, const void *own)
{
	void *object = object_of(caller);
	if (object == NULL)
		return NULL;
	void *found = dlsym(object, name);
	return found == own && own != NULL ? dlsym(RTLD_NEXT, name) : found;
}

bool is_of_object_with(void *caller, const char *name)
{
	Dl_info of_caller;
	Dl_info of_found;
	void *found = find_function_for(caller, name, NULL);
	if (dladdr(caller, &of_caller) == 0)
		return true;
	return found != NULL && dladdr(found, &of_found) != 0 &&
		of_found.dli_fbase == of_caller.dli_fbase;
}
