/* Registers the functions of the addon, which is the native part of the hook in Node.js. It asks
 * the kernel about files, gives up rights of the process, and has the fast path to files. Nothing
 * here decides what may run. The addon is optional: if it is missing, the hook reports what is not
 * enforced.
 *
 * The files exports-*.c say what each function takes and returns. */
#include "exports.h"

static const struct {
	const char *name;
	napi_callback callback;
} EXPORTS[] = {
	{"kernelAnswers", on_kernel_answers},
	{"kernelObjection", on_kernel_objection},
	{"readRegularFile", on_read_regular_file},
	{"readPackageType", on_read_package_type},
	{"findRecord", on_find_record},
	{"keepIndex", on_keep_index},
	{"keptIndex", on_kept_index},
	{"fgetxattr", on_fgetxattr},
	{"logToSystem", on_log_to_system},
	{"openChannel", on_open_channel},
	{"sendEvents", on_send_events},
	{"lockdown", on_lockdown},
	{"gateLacks", on_gate_lacks},
	{"compileWasm", on_compile_wasm},
	{"exitProcess", on_exit_process},
};

/* Node.js looks the next two functions up by their names. */
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void);
int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(
	napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	for (size_t i = 0; i < sizeof EXPORTS / sizeof *EXPORTS; i++) {
		napi_value function;
		const int status = napi_create_function(
			env, EXPORTS[i].name, NAPI_AUTO_LENGTH, EXPORTS[i].callback, NULL, &function);
		if (status == 0)
			napi_set_named_property(env, exports, EXPORTS[i].name, function);
	}
	return exports;
}
