/* A PKCS#11 module is a library of other people. pkcs11-module.c loads it, and pkcs11-calls.c calls
 * its functions. Both assume that it runs in a process of its own, because a module can also crash
 * or hang. */

#ifndef PKCS11_MODULE_H
#define PKCS11_MODULE_H

#include "node-api.h"
#include "pkcs11.h"

enum {
	/* The most bytes that a module may return. Certificates are the longest values. */
	ROOM_BYTES = 512 * 1024,
	/* The longest text of return_name() in bytes, with its NUL. */
	RETURN_NAME_BYTES = 64,
};

struct pkcs11_module {
	/* A copy of the list, in which no function that pkcs11-calls.c uses is NULL. */
	CK_FUNCTION_LIST functions;
	/* Each call offers the module this room for a result that has no fixed size. It is zero at the
	 * beginning. So if the module claims a longer result than it wrote, the rest has only zeros and
	 * what the module wrote in earlier calls, and no other memory of this process. */
	_Alignas(CK_ULONG) uint8_t room[ROOM_BYTES];
};

/* Makes the functions of a loaded module members of `object`. Returns false if that fails. */
bool register_calls(napi_env env, napi_value object, struct pkcs11_module *module);

/* Writes the CKR_ name of a return value to `text`, and returns `text`. A value that has no name
 * becomes CKR_ and its number. */
const char *return_name(CK_RV result, char text[RETURN_NAME_BYTES]);

#endif
