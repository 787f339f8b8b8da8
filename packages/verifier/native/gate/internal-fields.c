/* Makes Node.js look how many internal fields an object has, before it takes one for an address.
 *
 * In JavaScript a handle, such as that of a socket, has the address of its object of C++ in an
 * internal field. V8's headers read the field of every object whose type could have some, and a
 * plain object could. So a program could give Node.js an object of its own as a handle: a number in
 * it became an address with a lower half of zero, where the program had an ArrayBuffer with a table
 * of functions that Node.js called.
 *
 * For other types the headers call a function of V8, which looks at the number of fields, and ends
 * the process if there are too few. The compiler has copied the check of the type into hundreds of
 * functions of Node.js. Each copy loads the type from memory. Here it becomes a type that no object
 * has, so that all of them call the function. */
#define _GNU_SOURCE
#include "gate.h"
#include <string.h>
#include <sys/mman.h>

bool check_internal_fields(void)
{
	const struct code code = code_of_node();
	const size_t size = (size_t)(code.end - code.first);
	bool is_found = false;
	if (mprotect(code.first, size, PROT_READ | PROT_WRITE) != 0)
		return false;
	for (uint8_t *at = code.first; (at = find_type_check(at, code.end)) != NULL; is_found = true)
		write_no_type(at);
	__builtin___clear_cache((char *)code.first, (char *)code.end);
	return mprotect(code.first, size, PROT_READ | PROT_EXEC) == 0 && is_found;
}

/* OnFatalError(location, message). V8 has found that a program gave Node.js an object without this
 * internal field. */
void judge_fatal_error(struct arguments *arguments)
{
	const char *location = arguments->at[0];
	if (location != NULL && strstr(location, "InternalField") != NULL)
		end_intrusion(&(struct finding){.kind = "handle"});
}
