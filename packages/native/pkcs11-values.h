/* Converts arguments and results of pkcs11-calls.c. A function that returns false or NULL has
 * thrown an Error: a TypeError for a wrong argument, and otherwise an Error whose message is a CKR_
 * name, or says that the module told a length that cannot be true. */

#ifndef PKCS11_VALUES_H
#define PKCS11_VALUES_H

#include "pkcs11-module.h"

enum { MAX_TEMPLATE = 8 };

/* One call from JavaScript. */
struct call {
	napi_env env;
	struct pkcs11_module *module;
	const CK_FUNCTION_LIST *functions;
	napi_value arguments[3];
};

/* A template with the memory for values that JavaScript gives as numbers. */
struct template
{
	CK_ATTRIBUTE attributes[MAX_TEMPLATE];
	CK_ULONG numbers[MAX_TEMPLATE];
	CK_ULONG count;
};

/* Fills in a call that must have exactly `count` arguments. */
bool begin(struct call *call, napi_env env, napi_callback_info info, size_t count);

/* Reads the argument with this index, a slot, session or object. */
bool read_handle(struct call *call, size_t index, CK_ULONG *handle);

/* Reads a number of 32 bits, because no number that sigtool passes is larger. */
bool read_number(struct call *call, napi_value given, CK_ULONG *number);

/* Points `data` to the bytes of a Uint8Array, which the arguments of the call keep alive. */
bool read_bytes(struct call *call, napi_value given, void **data, CK_ULONG *bytes);

/* Reads a list of objects with the members `type` and `value`. The value is a number or bytes. */
bool read_template(struct call *call, napi_value given, struct template *template);

bool wrong_argument(struct call *call);

/* Returns true for CKR_OK. */
bool succeeded(struct call *call, CK_RV result);

/* Returns true if the module can have written `told` units to a room for `offered` units. */
bool is_possible(struct call *call, CK_ULONG told, CK_ULONG offered);

napi_value make_handle(struct call *call, CK_ULONG handle);
napi_value make_handles(struct call *call, const CK_ULONG *handles, CK_ULONG count);
napi_value make_bytes(struct call *call, const void *data, CK_ULONG bytes);

/* Makes a text of CK_TOKEN_INFO a member of `object`. */
bool set_text(
	struct call *call, napi_value object, const char *name, const CK_BYTE *text, size_t bytes);

#endif
