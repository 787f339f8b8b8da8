/* Exports the gate (room gate/), if there is one: another library of the process, which the
 * launcher has loaded. */
#define _GNU_SOURCE
#include "arguments.h"
#include "exports.h"
#include <dlfcn.h>

/* gateLacks() → string | undefined
 *
 * Returns "" if the gate is in front of this process, else why it is not. Returns undefined if the
 * launcher has loaded no gate. */
napi_value on_gate_lacks(napi_env env, napi_callback_info info)
{
	(void)info;
	napi_value result = NULL;
	const char *(*gate_lacks)(void) =
		(const char *(*)(void))dlsym(RTLD_DEFAULT, "sigtool_gate_lacks");
	if (gate_lacks != NULL)
		napi_create_string_utf8(env, gate_lacks(), NAPI_AUTO_LENGTH, &result);
	return result;
}

/* compileWasm(bytes) → WebAssembly.Module | undefined
 *
 * Compiles WebAssembly that is in a Uint8Array. Only the gate can do that where there is one.
 * Returns undefined if no signature names the bytes, or if there is no gate. Throws what V8 throws.
 *
 * A napi_value is the address of a slot, as a local handle of V8 is (js_native_api_v8.h). */
napi_value on_compile_wasm(napi_env env, napi_callback_info info)
{
	typedef const void *compile(const uint8_t *bytes, size_t length);
	napi_value given[1] = {NULL};
	size_t count = 1;
	void *bytes = NULL;
	size_t size = 0;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	compile *gate_compile = (compile *)dlsym(RTLD_DEFAULT, "sigtool_gate_compile_wasm");
	if (gate_compile == NULL || !get_bytes(env, given[0], &bytes, &size))
		return NULL;
	return (napi_value)gate_compile(bytes, size);
}
