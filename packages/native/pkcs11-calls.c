/*
 * Calls the functions of a PKCS#11 module. JavaScript gets these functions:
 *
 *   C_Initialize()                         C_Finalize()
 *   C_GetSlotList(tokenPresent) → slots    C_GetTokenInfo(slot) → TokenInfo
 *   C_OpenSession(slot, flags) → session   C_CloseSession(session)
 *   C_Login(session, userType, pin)
 *   C_FindObjectsInit(session, template)   C_FindObjects(session, most) → objects
 *   C_FindObjectsFinal(session)
 *   C_GetAttributeValue(session, object, type) → Buffer
 *   C_SignInit(session, mechanism, key)    C_Sign(session, data) → Buffer
 *
 * packages/core/src/signer/pkcs11/pkcs11-api.ts has their types. Slots, sessions and objects are
 * Buffers with the bytes of a CK_ULONG. An Error has the CKR_ name of a return value as its
 * message, or says that the module told a length that cannot be true. Wrong arguments throw a
 * TypeError.
 *
 * Guarantees that no result is longer than the room that the module was offered, whatever length
 * the module tells, and that this file keeps no PIN.
 */

#include "module.h"
#include "pkcs11-values.h"

#include <string.h>

enum {
	/* C_GetSlotList and C_FindObjects return at most this many slots or objects. */
	ROOM_HANDLES = 4096,
	/* More bytes than any token allows for a PIN. */
	PIN_BYTES = 1024,
	/* A module may write more than CK_TOKEN_INFO, for example if it was compiled with another
	 * alignment. */
	TOKEN_INFO_ROOM_BYTES = 1024,
};

_Static_assert(offsetof(CK_TOKEN_INFO, flags) == 96, "the flags follow texts of 96 bytes");
_Static_assert(ROOM_HANDLES * sizeof(CK_ULONG) <= ROOM_BYTES, "the room holds all handles");

static napi_value initialize(napi_env env, napi_callback_info info);
static napi_value finalize(napi_env env, napi_callback_info info);
static napi_value get_slot_list(napi_env env, napi_callback_info info);
static napi_value get_token_info(napi_env env, napi_callback_info info);
static napi_value open_session(napi_env env, napi_callback_info info);
static napi_value close_session(napi_env env, napi_callback_info info);
static napi_value login(napi_env env, napi_callback_info info);
static napi_value find_objects_init(napi_env env, napi_callback_info info);
static napi_value find_objects(napi_env env, napi_callback_info info);
static napi_value find_objects_final(napi_env env, napi_callback_info info);
static napi_value get_attribute_value(napi_env env, napi_callback_info info);
static napi_value sign_init(napi_env env, napi_callback_info info);
static napi_value sign(napi_env env, napi_callback_info info);
static void clear(void *secret, size_t bytes);

bool register_calls(napi_env env, napi_value object, struct pkcs11_module *module)
{
	static const struct {
		const char *name;
		napi_callback callback;
	} calls[] = {
		{"C_Initialize", initialize},
		{"C_Finalize", finalize},
		{"C_GetSlotList", get_slot_list},
		{"C_GetTokenInfo", get_token_info},
		{"C_OpenSession", open_session},
		{"C_CloseSession", close_session},
		{"C_Login", login},
		{"C_FindObjectsInit", find_objects_init},
		{"C_FindObjects", find_objects},
		{"C_FindObjectsFinal", find_objects_final},
		{"C_GetAttributeValue", get_attribute_value},
		{"C_SignInit", sign_init},
		{"C_Sign", sign},
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (!register_function(env, object, calls[i].name, calls[i].callback, module))
			return false;
	}
	return true;
}

/* Without arguments a module may expect that only one thread calls it, and one does. */
static napi_value initialize(napi_env env, napi_callback_info info)
{
	struct call call;
	if (begin(&call, env, info, 0))
		succeeded(&call, call.functions->C_Initialize(NULL));
	return NULL;
}

static napi_value finalize(napi_env env, napi_callback_info info)
{
	struct call call;
	if (begin(&call, env, info, 0))
		succeeded(&call, call.functions->C_Finalize(NULL));
	return NULL;
}

/* A module may look for new tokens only in a call that offers no room, so this call comes first.
 * Its count does not matter: the second call offers all the room there is. */
static napi_value get_slot_list(napi_env env, napi_callback_info info)
{
	struct call call;
	bool token_present;
	if (!begin(&call, env, info, 1))
		return NULL;
	if (napi_get_value_bool(env, call.arguments[0], &token_present)) {
		wrong_argument(&call);
		return NULL;
	}
	CK_ULONG count = 0;
	if (!succeeded(&call, call.functions->C_GetSlotList(token_present, NULL, &count)))
		return NULL;
	CK_SLOT_ID *slots = (CK_SLOT_ID *)call.module->room;
	count = ROOM_HANDLES;
	if (!succeeded(&call, call.functions->C_GetSlotList(token_present, slots, &count)))
		return NULL;
	return is_possible(&call, count, ROOM_HANDLES) ? make_handles(&call, slots, count) : NULL;
}

static napi_value get_token_info(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SLOT_ID slot;
	if (!begin(&call, env, info, 1) || !read_handle(&call, 0, &slot))
		return NULL;
	union {
		CK_TOKEN_INFO info;
		CK_BYTE room[TOKEN_INFO_ROOM_BYTES];
	} token;
	memset(&token, 0, sizeof token);
	if (!succeeded(&call, call.functions->C_GetTokenInfo(slot, &token.info)))
		return NULL;
	const CK_TOKEN_INFO *told = &token.info;
	napi_value result, flags;
	if (napi_create_object(env, &result) ||
		!set_text(&call, result, "label", told->label, sizeof told->label) ||
		!set_text(
			&call, result, "manufacturerID", told->manufacturerID, sizeof told->manufacturerID) ||
		!set_text(&call, result, "model", told->model, sizeof told->model) ||
		!set_text(&call, result, "serialNumber", told->serialNumber, sizeof told->serialNumber))
		return NULL;
	if (napi_create_uint32(env, (uint32_t)told->flags, &flags) ||
		napi_set_named_property(env, result, "flags", flags))
		return NULL;
	return result;
}

static napi_value open_session(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SLOT_ID slot;
	CK_FLAGS flags;
	if (!begin(&call, env, info, 2) || !read_handle(&call, 0, &slot) ||
		!read_number(&call, call.arguments[1], &flags))
		return NULL;
	CK_SESSION_HANDLE session = 0;
	if (!succeeded(&call, call.functions->C_OpenSession(slot, flags, NULL, NULL, &session)))
		return NULL;
	return make_handle(&call, session);
}

static napi_value close_session(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	if (begin(&call, env, info, 1) && read_handle(&call, 0, &session))
		succeeded(&call, call.functions->C_CloseSession(session));
	return NULL;
}

static napi_value login(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	CK_ULONG user;
	if (!begin(&call, env, info, 3) || !read_handle(&call, 0, &session) ||
		!read_number(&call, call.arguments[1], &user))
		return NULL;
	char pin[PIN_BYTES];
	size_t bytes;
	if (napi_get_value_string_utf8(env, call.arguments[2], pin, sizeof pin, &bytes)) {
		wrong_argument(&call);
		return NULL;
	}
	const bool may_be_cut = bytes >= sizeof pin - TEXT_CUT_BYTES;
	const CK_RV result = may_be_cut ? CKR_PIN_LEN_RANGE
									: call.functions->C_Login(session, user, (CK_BYTE *)pin, bytes);
	clear(pin, sizeof pin);
	succeeded(&call, result);
	return NULL;
}

static napi_value find_objects_init(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	struct template template;
	if (!begin(&call, env, info, 2) || !read_handle(&call, 0, &session) ||
		!read_template(&call, call.arguments[1], &template))
		return NULL;
	succeeded(
		&call, call.functions->C_FindObjectsInit(session, template.attributes, template.count));
	return NULL;
}

static napi_value find_objects(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	CK_ULONG most;
	if (!begin(&call, env, info, 2) || !read_handle(&call, 0, &session) ||
		!read_number(&call, call.arguments[1], &most))
		return NULL;
	if (most > ROOM_HANDLES)
		most = ROOM_HANDLES;
	CK_OBJECT_HANDLE *objects = (CK_OBJECT_HANDLE *)call.module->room;
	CK_ULONG count = 0;
	if (!succeeded(&call, call.functions->C_FindObjects(session, objects, most, &count)))
		return NULL;
	return is_possible(&call, count, most) ? make_handles(&call, objects, count) : NULL;
}

static napi_value find_objects_final(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	if (begin(&call, env, info, 1) && read_handle(&call, 0, &session))
		succeeded(&call, call.functions->C_FindObjectsFinal(session));
	return NULL;
}

/* Offers all the room at once, and does not ask for the length first, which could change until the
 * second call. Some modules tell CK_UNAVAILABLE_INFORMATION with success for an object that has no
 * such attribute, so this is an empty value. */
static napi_value get_attribute_value(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;
	CK_ATTRIBUTE attribute;
	if (!begin(&call, env, info, 3) || !read_handle(&call, 0, &session) ||
		!read_handle(&call, 1, &object) || !read_number(&call, call.arguments[2], &attribute.type))
		return NULL;
	attribute.pValue = call.module->room;
	attribute.ulValueLen = ROOM_BYTES;
	if (!succeeded(&call, call.functions->C_GetAttributeValue(session, object, &attribute, 1)))
		return NULL;
	const CK_ULONG told = attribute.ulValueLen;
	const CK_ULONG bytes = told == CK_UNAVAILABLE_INFORMATION ? 0 : told;
	return is_possible(&call, bytes, ROOM_BYTES) ? make_bytes(&call, call.module->room, bytes)
												 : NULL;
}

static napi_value sign_init(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	CK_MECHANISM mechanism = {0, NULL, 0};
	CK_OBJECT_HANDLE key;
	if (begin(&call, env, info, 3) && read_handle(&call, 0, &session) &&
		read_number(&call, call.arguments[1], &mechanism.mechanism) && read_handle(&call, 2, &key))
		succeeded(&call, call.functions->C_SignInit(session, &mechanism, key));
	return NULL;
}

static napi_value sign(napi_env env, napi_callback_info info)
{
	struct call call;
	CK_SESSION_HANDLE session;
	void *data;
	CK_ULONG data_bytes;
	if (!begin(&call, env, info, 2) || !read_handle(&call, 0, &session) ||
		!read_bytes(&call, call.arguments[1], &data, &data_bytes))
		return NULL;
	CK_BYTE *signature = call.module->room;
	CK_ULONG bytes = ROOM_BYTES;
	if (!succeeded(&call, call.functions->C_Sign(session, data, data_bytes, signature, &bytes)))
		return NULL;
	return is_possible(&call, bytes, ROOM_BYTES) ? make_bytes(&call, signature, bytes) : NULL;
}

/* A compiler may leave out memset() for memory that nobody reads again. It keeps writes to volatile
 * memory. */
static void clear(void *secret, size_t bytes)
{
	volatile unsigned char *byte = secret;
	while (bytes-- > 0)
		*byte++ = 0;
}
