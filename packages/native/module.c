/*
 * Registers the parts of this module, which are independent of each other:
 *
 *   hash-threads.c           start, work, stop
 *   descriptor-attributes.c  readAttribute, writeAttribute, removeAttribute (Linux)
 *   pkcs11-module.c          loadPkcs11
 *   datagrams.c              sendDatagram (Linux)
 */

#include "module.h"

int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	const bool is_registered = register_threads(env, exports) &&
		register_attributes(env, exports) && register_pkcs11(env, exports) &&
		register_datagrams(env, exports);
	return is_registered ? exports : NULL;
}

bool register_function(
	napi_env env, napi_value object, const char *name, napi_callback callback, void *data)
{
	napi_value function;
	if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function))
		return false;
	return !napi_set_named_property(env, object, name, function);
}
