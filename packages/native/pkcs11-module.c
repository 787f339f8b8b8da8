/*
 * Loads PKCS#11 modules. JavaScript gets this function:
 *
 *   loadPkcs11(path) → an object with the functions of pkcs11-calls.c
 *
 * Throws an Error with a clause that says why the library cannot be used as a module.
 */

#include "pkcs11-module.h"

#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODULE_PATH_BYTES = 4096, MESSAGE_BYTES = 128 };

static napi_value load(napi_env env, napi_callback_info info);
static CK_FUNCTION_LIST *load_functions(napi_env env, const char *path);
static bool has_known_layout(const CK_FUNCTION_LIST *list);
static const char *missing_function(const CK_FUNCTION_LIST *list);
static napi_value refuse(napi_env env, const char *reason);

bool register_pkcs11(napi_env env, napi_value exports)
{
	return register_function(env, exports, "loadPkcs11", load, NULL);
}

/* The library stays loaded until the process ends, because it may have started threads. */
static napi_value load(napi_env env, napi_callback_info info)
{
	napi_value given;
	size_t count = 1;
	char path[MODULE_PATH_BYTES];
	size_t length;
	if (napi_get_cb_info(env, info, &count, &given, NULL, NULL) || count != 1 ||
		napi_get_value_string_utf8(env, given, path, sizeof path, &length))
		return refuse(env, "its path is no text");
	if (length == 0 || length >= sizeof path - TEXT_CUT_BYTES || strlen(path) != length)
		return refuse(env, "its path is empty, too long, or contains NUL");

	const CK_FUNCTION_LIST *list = load_functions(env, path);
	if (!list)
		return NULL;
	struct pkcs11_module *module = calloc(1, sizeof *module);
	if (!module)
		return refuse(env, "there is no memory for it");
	module->functions = *list;
	const char *missing = missing_function(&module->functions);
	napi_value result;
	if (missing) {
		char reason[MESSAGE_BYTES];
		snprintf(reason, sizeof reason, "it lacks the function %s", missing);
		free(module);
		return refuse(env, reason);
	}
	if (napi_create_object(env, &result) || !register_calls(env, result, module)) {
		free(module);
		return NULL;
	}
	return result;
}

/* Returns NULL after throwing an Error. RTLD_NOW makes a library that lacks a symbol fail here,
 * with a message, and not by the end of the process in a later call. */
static CK_FUNCTION_LIST *load_functions(napi_env env, const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		const char *reason = dlerror();
		refuse(env, reason ? reason : "the system cannot load it");
		return NULL;
	}
	const CK_C_GetFunctionList get_functions =
		(CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
	if (!get_functions) {
		refuse(env, "it is no PKCS#11 module: it has no C_GetFunctionList");
		return NULL;
	}
	CK_FUNCTION_LIST *list = NULL;
	const CK_RV result = get_functions(&list);
	if (result != CKR_OK) {
		char name[RETURN_NAME_BYTES];
		refuse(env, return_name(result, name));
		return NULL;
	}
	if (!list) {
		refuse(env, "it returns no list of its functions");
		return NULL;
	}
	if (!has_known_layout(list)) {
		char reason[MESSAGE_BYTES];
		snprintf(reason, sizeof reason, "it has PKCS#11 version %d.%d, and sigtool uses 2 and 3",
			list->version.major, list->version.minor);
		refuse(env, reason);
		return NULL;
	}
	return list;
}

/* A list of version 3 begins with the functions of version 2, and modules return such a list here
 * too. */
static bool has_known_layout(const CK_FUNCTION_LIST *list)
{
	return list->version.major == 2 || list->version.major == 3;
}

/* Returns the name of a function that the list lacks and pkcs11-calls.c uses, or NULL. */
static const char *missing_function(const CK_FUNCTION_LIST *list)
{
	const struct {
		const char *name;
		bool is_there;
	} used[] = {
		{"C_Initialize", list->C_Initialize},
		{"C_Finalize", list->C_Finalize},
		{"C_GetSlotList", list->C_GetSlotList},
		{"C_GetTokenInfo", list->C_GetTokenInfo},
		{"C_OpenSession", list->C_OpenSession},
		{"C_CloseSession", list->C_CloseSession},
		{"C_Login", list->C_Login},
		{"C_FindObjectsInit", list->C_FindObjectsInit},
		{"C_FindObjects", list->C_FindObjects},
		{"C_FindObjectsFinal", list->C_FindObjectsFinal},
		{"C_GetAttributeValue", list->C_GetAttributeValue},
		{"C_SignInit", list->C_SignInit},
		{"C_Sign", list->C_Sign},
	};
	for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
		if (!used[i].is_there)
			return used[i].name;
	}
	return NULL;
}

static napi_value refuse(napi_env env, const char *reason)
{
	napi_throw_error(env, NULL, reason);
	return NULL;
}
