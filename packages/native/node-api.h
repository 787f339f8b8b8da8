/* Declares the part of Node-API, version 8, that this module uses. The ABI of Node-API is stable,
 * so the module builds without the headers of Node.js. */

#ifndef NODE_API_SUBSET_H
#define NODE_API_SUBSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAPI_AUTO_LENGTH SIZE_MAX

/* These are values of napi_valuetype. */
#define NAPI_UNDEFINED 0
#define NAPI_NUMBER 3

/* This is a value of napi_typedarray_type. */
#define NAPI_UINT8_ARRAY 1

/* A status is 0 (napi_ok) or an error. */
typedef int napi_status;
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_ref__ *napi_ref;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
typedef void (*napi_finalize)(napi_env env, void *data, void *hint);

napi_status napi_create_function(
	napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *out);
napi_status napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);
napi_status napi_throw_error(napi_env, const char *code, const char *message);
napi_status napi_throw_type_error(napi_env, const char *code, const char *message);
napi_status napi_create_object(napi_env, napi_value *out);
napi_status napi_create_array_with_length(napi_env, size_t length, napi_value *out);
napi_status napi_set_element(napi_env, napi_value array, uint32_t index, napi_value);
napi_status napi_typeof(napi_env, napi_value, int *out);
napi_status napi_get_array_length(napi_env, napi_value, uint32_t *out);
napi_status napi_get_element(napi_env, napi_value, uint32_t index, napi_value *out);
napi_status napi_get_named_property(napi_env, napi_value object, const char *name, napi_value *out);
napi_status napi_get_cb_info(
	napi_env, napi_callback_info, size_t *argc, napi_value *argv, napi_value *self, void **data);

/* napi_get_value_string_utf8() writes text and a NUL to `out`, and `length` does not count the NUL.
 * Text that does not fit in `size` bytes is cut between two characters. A cut leaves at most
 * TEXT_CUT_BYTES bytes of the buffer without text: three bytes in which a character of four bytes
 * did not fit, and the byte of the NUL. So a text may have been cut if it leaves at most
 * TEXT_CUT_BYTES bytes without text. */
enum { TEXT_CUT_BYTES = 4 };
napi_status napi_get_value_string_utf8(
	napi_env, napi_value, char *out, size_t size, size_t *length);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t *out);
napi_status napi_get_value_double(napi_env, napi_value, double *out);
napi_status napi_get_value_bool(napi_env, napi_value, bool *out);
napi_status napi_create_int32(napi_env, int32_t, napi_value *out);
napi_status napi_create_uint32(napi_env, uint32_t, napi_value *out);
napi_status napi_get_boolean(napi_env, bool, napi_value *out);
napi_status napi_create_string_utf8(napi_env, const char *text, size_t length, napi_value *out);

/* napi_create_buffer_copy() makes a Buffer. `copy` may be NULL. napi_get_typedarray_info() gives
 * the length in elements. */
napi_status napi_create_buffer_copy(
	napi_env, size_t bytes, const void *data, void **copy, napi_value *out);
napi_status napi_get_typedarray_info(napi_env, napi_value, int *type, size_t *length, void **data,
	napi_value *buffer, size_t *offset);
napi_status napi_create_external(napi_env, void *data, napi_finalize, void *hint, napi_value *out);
napi_status napi_get_value_external(napi_env, napi_value, void **out);
napi_status napi_create_reference(napi_env, napi_value, uint32_t count, napi_ref *out);
napi_status napi_delete_reference(napi_env, napi_ref);

/* Makes Node.js call `hook` when the environment ends, unless the hook is removed before. */
napi_status napi_add_env_cleanup_hook(napi_env, void (*hook)(void *), void *argument);
napi_status napi_remove_env_cleanup_hook(napi_env, void (*hook)(void *), void *argument);

/* Node.js looks these two functions up by their names. */
__attribute__((visibility("default"))) napi_value napi_register_module_v1(
	napi_env env, napi_value exports);
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void);

#endif
