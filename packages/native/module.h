/* Declares the parts that this module gives to JavaScript. Each part registers its functions. */

#ifndef MODULE_H
#define MODULE_H

#include "node-api.h"

/* Makes a function with the given name a member of `object`. The callback finds `data` in its
 * napi_callback_info. Returns false if that fails. */
bool register_function(
	napi_env env, napi_value object, const char *name, napi_callback callback, void *data);

/* Each function registers one part. Returns false if that fails. A part that this system does not
 * have registers nothing, and returns true. */
bool register_threads(napi_env env, napi_value exports);
bool register_attributes(napi_env env, napi_value exports);
bool register_pkcs11(napi_env env, napi_value exports);
bool register_datagrams(napi_env env, napi_value exports);

#endif
