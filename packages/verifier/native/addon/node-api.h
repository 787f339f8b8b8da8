/* The part of Node-API, version 8, that the addon uses. Its ABI is stable, so the addon builds
 * where no headers of Node.js are. Functions return 0, which is napi_ok, or an error. */
#ifndef SIGTOOL_NODE_API_H
#define SIGTOOL_NODE_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAPI_AUTO_LENGTH SIZE_MAX

/* napi_typedarray_type. */
enum { NAPI_UINT8_ARRAY = 1 };

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
typedef void (*napi_finalize)(napi_env env, void *data, void *hint);

int napi_create_function(
	napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *out);
int napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);

/* Fills `argv` with undefined where fewer than `*argc` arguments were given. */
int napi_get_cb_info(
	napi_env, napi_callback_info, size_t *argc, napi_value *argv, napi_value *self, void **data);

/* Cuts text that does not fit in `size` bytes with its NUL, and splits no character; `length` is
 * without the NUL. */
int napi_get_value_string_utf8(napi_env, napi_value, char *out, size_t size, size_t *length);
int napi_get_value_bool(napi_env, napi_value, bool *out);
int napi_get_value_int32(napi_env, napi_value, int32_t *out);
int napi_get_value_uint32(napi_env, napi_value, uint32_t *out);
int napi_get_value_double(napi_env, napi_value, double *out);
int napi_get_typedarray_info(napi_env, napi_value, int *type, size_t *length, void **data,
	napi_value *buffer, size_t *offset);

int napi_get_boolean(napi_env, bool value, napi_value *out);
int napi_create_int32(napi_env, int32_t, napi_value *out);
int napi_create_string_latin1(napi_env, const char *text, size_t length, napi_value *out);
int napi_create_string_utf8(napi_env, const char *text, size_t length, napi_value *out);

/* Makes a string of memory that V8 reads where it is, and hands to `finalize` afterwards; or a
 * copy, and then it calls `finalize` at once. */
int node_api_create_external_string_latin1(napi_env, char *text, size_t length,
	napi_finalize finalize, void *hint, napi_value *out, bool *copied);

#endif
