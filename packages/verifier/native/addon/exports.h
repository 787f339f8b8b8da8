/* Declares the functions that the addon exports to the hook. addon.c lists their names in
 * JavaScript.
 *
 * Guarantees that no function throws if an argument has a wrong type: the function then returns
 * what it returns for a failure. */
#ifndef SIGTOOL_EXPORTS_H
#define SIGTOOL_EXPORTS_H
#include "node-api.h"

/* exports-files.c */
napi_value on_kernel_answers(napi_env env, napi_callback_info info);
napi_value on_kernel_objection(napi_env env, napi_callback_info info);
napi_value on_read_regular_file(napi_env env, napi_callback_info info);
napi_value on_read_package_type(napi_env env, napi_callback_info info);
napi_value on_fgetxattr(napi_env env, napi_callback_info info);

/* exports-index.c */
napi_value on_find_record(napi_env env, napi_callback_info info);
napi_value on_keep_index(napi_env env, napi_callback_info info);
napi_value on_kept_index(napi_env env, napi_callback_info info);

/* exports-events.c */
napi_value on_log_to_system(napi_env env, napi_callback_info info);
napi_value on_open_channel(napi_env env, napi_callback_info info);
napi_value on_send_events(napi_env env, napi_callback_info info);

/* exports-process.c */
napi_value on_lockdown(napi_env env, napi_callback_info info);
napi_value on_exit_process(napi_env env, napi_callback_info info);

/* exports-gate.c */
napi_value on_gate_lacks(napi_env env, napi_callback_info info);
napi_value on_compile_wasm(napi_env env, napi_callback_info info);

#endif
