#include "arguments.h"
#include <string.h>

int descriptor_of(napi_env env, napi_value value)
{
	int32_t descriptor;
	if (napi_get_value_int32(env, value, &descriptor) != 0 || descriptor < 0)
		return NO_DESCRIPTOR;
	return descriptor;
}

bool get_text(napi_env env, napi_value value, char *text, size_t room, size_t *length)
{
	if (napi_get_value_string_utf8(env, value, text, room, length) != 0)
		return false;
	return *length < room - CUT_BYTES;
}

bool get_c_string(napi_env env, napi_value value, char *text, size_t room)
{
	size_t length = 0;
	if (!get_text(env, value, text, room, &length))
		return false;
	return strlen(text) == length;
}

bool get_bytes(napi_env env, napi_value value, void **bytes, size_t *size)
{
	int type = -1;
	if (napi_get_typedarray_info(env, value, &type, size, bytes, NULL, NULL) != 0)
		return false;
	return type == NAPI_UINT8_ARRAY;
}

napi_value make_number(napi_env env, int32_t value)
{
	napi_value result = NULL;
	napi_create_int32(env, value, &result);
	return result;
}

napi_value make_boolean(napi_env env, bool value)
{
	napi_value result = NULL;
	napi_get_boolean(env, value, &result);
	return result;
}
