#include "pkcs11-values.h"

#include <string.h>

bool begin(struct call *call, napi_env env, napi_callback_info info, size_t count)
{
	size_t given = sizeof call->arguments / sizeof *call->arguments;
	void *module;
	call->env = env;
	if (napi_get_cb_info(env, info, &given, call->arguments, NULL, &module) || given != count)
		return wrong_argument(call);
	call->module = module;
	call->functions = &call->module->functions;
	return true;
}

bool read_handle(struct call *call, size_t index, CK_ULONG *handle)
{
	void *data;
	CK_ULONG bytes;
	if (!read_bytes(call, call->arguments[index], &data, &bytes))
		return false;
	if (bytes != sizeof *handle)
		return wrong_argument(call);
	memcpy(handle, data, sizeof *handle);
	return true;
}

bool read_number(struct call *call, napi_value given, CK_ULONG *number)
{
	double value;
	if (napi_get_value_double(call->env, given, &value))
		return wrong_argument(call);
	if (!(value >= 0 && value <= UINT32_MAX) || value != (uint32_t)value)
		return wrong_argument(call);
	*number = (CK_ULONG)value;
	return true;
}

bool read_bytes(struct call *call, napi_value given, void **data, CK_ULONG *bytes)
{
	int type;
	size_t length;
	if (napi_get_typedarray_info(call->env, given, &type, &length, data, NULL, NULL))
		return wrong_argument(call);
	if (type != NAPI_UINT8_ARRAY || length > UINT32_MAX)
		return wrong_argument(call);
	*bytes = (CK_ULONG)length;
	return true;
}

bool read_template(struct call *call, napi_value given, struct template *template)
{
	uint32_t count;
	if (napi_get_array_length(call->env, given, &count) || count > MAX_TEMPLATE)
		return wrong_argument(call);
	for (uint32_t i = 0; i < count; i++) {
		CK_ATTRIBUTE *attribute = &template->attributes[i];
		napi_value element, type, value;
		int kind;
		if (napi_get_element(call->env, given, i, &element) ||
			napi_get_named_property(call->env, element, "type", &type) ||
			napi_get_named_property(call->env, element, "value", &value) ||
			napi_typeof(call->env, value, &kind))
			return wrong_argument(call);
		if (!read_number(call, type, &attribute->type))
			return false;
		if (kind == NAPI_NUMBER) {
			if (!read_number(call, value, &template->numbers[i]))
				return false;
			attribute->pValue = &template->numbers[i];
			attribute->ulValueLen = sizeof template->numbers[i];
		} else if (!read_bytes(call, value, &attribute->pValue, &attribute->ulValueLen)) {
			return false;
		}
	}
	template->count = count;
	return true;
}

bool wrong_argument(struct call *call)
{
	napi_throw_type_error(call->env, NULL, "wrong argument for a PKCS#11 function");
	return false;
}

bool succeeded(struct call *call, CK_RV result)
{
	char name[RETURN_NAME_BYTES];
	if (result == CKR_OK)
		return true;
	napi_throw_error(call->env, NULL, return_name(result, name));
	return false;
}

bool is_possible(struct call *call, CK_ULONG told, CK_ULONG offered)
{
	if (told <= offered)
		return true;
	napi_throw_error(call->env, NULL, "the module told a length that cannot be true");
	return false;
}

napi_value make_handle(struct call *call, CK_ULONG handle)
{
	return make_bytes(call, &handle, sizeof handle);
}

napi_value make_handles(struct call *call, const CK_ULONG *handles, CK_ULONG count)
{
	napi_value list;
	if (napi_create_array_with_length(call->env, count, &list))
		return NULL;
	for (CK_ULONG i = 0; i < count; i++) {
		const napi_value handle = make_handle(call, handles[i]);
		if (!handle || napi_set_element(call->env, list, (uint32_t)i, handle))
			return NULL;
	}
	return list;
}

napi_value make_bytes(struct call *call, const void *data, CK_ULONG bytes)
{
	napi_value result;
	return napi_create_buffer_copy(call->env, bytes, data, NULL, &result) ? NULL : result;
}

bool set_text(
	struct call *call, napi_value object, const char *name, const CK_BYTE *text, size_t bytes)
{
	napi_value value;
	if (napi_create_string_utf8(call->env, (const char *)text, bytes, &value))
		return false;
	return !napi_set_named_property(call->env, object, name, value);
}
