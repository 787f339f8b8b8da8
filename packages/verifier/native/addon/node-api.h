/* Declares the part of Node-API, version 8, that the addon uses. The ABI of Node-API is stable, so
 * the addon builds without the headers of Node.js. Functions return 0 (napi_ok) or an error. */
#ifndef SIGTOOL_NODE_API_H
#define SIGTOOL_NODE_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAPI_AUTO_LENGTH SIZE_MAX

/* This is a value of napi_typedarray_type. */
enum { NAPI_UINT8_ARRAY = 1 };

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
typedef void (*napi_finalize)(napi_env env, void *data, void *hint);

int napi_create_function(
	napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *out);
int napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);

/* If the caller passed fewer than `*argc` arguments, fills the rest of `argv` with undefined. */
int napi_get_cb_info(
	napi_env, napi_callback_info, size_t *argc, napi_value *argv, napi_value *self, void **data);

/* Writes text and a NUL to `out`. Text that does not fit in `size` bytes is cut between two
 * characters. `length` does not count the NUL. */
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

/* Makes a string of memory that V8 reads in place, and passes to `finalize` when it collects the
 * string. If V8 copies the text instead, it calls `finalize` at once. */
int node_api_create_external_string_latin1(napi_env, char *text, size_t length,
	napi_finalize finalize, void *hint, napi_value *out, bool *copied);

#endif
