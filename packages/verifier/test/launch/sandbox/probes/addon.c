/* Offers the probes to Node.js:
 *
 *   runProbe(name) → number
 *       Returns the result of run_probe(). */
#include "probe.h"
#include "../../../../native/addon/node-api.h"

static napi_value run(napi_env env, napi_callback_info info)
{
	enum { MAX_NAME = 64 };
	char name[MAX_NAME] = "";
	size_t length;
	size_t count = 1;
	napi_value argument;
	napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
	napi_get_value_string_utf8(env, argument, name, sizeof name, &length);

	napi_value result = NULL;
	napi_create_int32(env, run_probe(name), &result);
	return result;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(
	napi_env env, napi_value exports)
{
	napi_value function;
	napi_create_function(env, "runProbe", NAPI_AUTO_LENGTH, run, NULL, &function);
	napi_set_named_property(env, exports, "runProbe", function);
	return exports;
}
