/*
 * Reads and writes extended attributes of open files. JavaScript gets these functions:
 *
 *   readAttribute(descriptor, name) → Buffer | undefined | number
 *   writeAttribute(descriptor, name, value) → true | undefined | number
 *   removeAttribute(descriptor, name) → true | undefined | number
 *
 * The result undefined says that the file has no such attribute, and a number is the errno of a
 * failed call. Guarantees that no path is used, that a name reaches the system whole or not at all,
 * and that a value comes from a single call. So no change of the value between two calls can mix
 * values, or leave memory of this process at the end of one.
 */

#include "module.h"

#ifdef __linux__

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

enum {
	/* The limits of Linux in bytes: XATTR_NAME_MAX and XATTR_SIZE_MAX of linux/limits.h, a header
	 * that musl does not have. */
	NAME_BYTES = 255,
	VALUE_BYTES = 65536,
	/* Most values fit in COMMON_BYTES. The kernel clears as much memory as a call offers, so a call
	 * for the longest value takes longer. */
	COMMON_BYTES = 1024,
};

struct attribute_call {
	int file;
	char name[NAME_BYTES + 1 + TEXT_CUT_BYTES];
};

static napi_value read_value(napi_env env, napi_callback_info info);
static napi_value write_value(napi_env env, napi_callback_info info);
static napi_value remove_value(napi_env env, napi_callback_info info);
static bool read_call(struct attribute_call *call, napi_env env, napi_callback_info info,
	size_t count, napi_value *arguments);
static bool read_descriptor(napi_env env, napi_value given, int *file);
static napi_value success(napi_env env);
static napi_value failure(napi_env env, int error);

bool register_attributes(napi_env env, napi_value exports)
{
	return register_function(env, exports, "readAttribute", read_value, NULL) &&
		register_function(env, exports, "writeAttribute", write_value, NULL) &&
		register_function(env, exports, "removeAttribute", remove_value, NULL);
}

/* The second call offers as much as the kernel allows for a value. If a file system has a longer
 * value, the kernel answers E2BIG. */
static napi_value read_value(napi_env env, napi_callback_info info)
{
	struct attribute_call call;
	napi_value arguments[2];
	if (!read_call(&call, env, info, 2, arguments))
		return failure(env, EINVAL);
	char value[VALUE_BYTES];
	ssize_t bytes = fgetxattr(call.file, call.name, value, COMMON_BYTES);
	if (bytes < 0 && errno == ERANGE)
		bytes = fgetxattr(call.file, call.name, value, sizeof value);
	if (bytes < 0)
		return failure(env, errno);
	napi_value result;
	if (napi_create_buffer_copy(env, (size_t)bytes, value, NULL, &result))
		return failure(env, ENOMEM);
	return result;
}

static napi_value write_value(napi_env env, napi_callback_info info)
{
	struct attribute_call call;
	napi_value arguments[3];
	if (!read_call(&call, env, info, 3, arguments))
		return failure(env, EINVAL);
	int type;
	size_t bytes;
	void *value;
	if (napi_get_typedarray_info(env, arguments[2], &type, &bytes, &value, NULL, NULL) ||
		type != NAPI_UINT8_ARRAY)
		return failure(env, EINVAL);
	if (bytes > VALUE_BYTES)
		return failure(env, E2BIG);
	const int failed = fsetxattr(call.file, call.name, bytes ? value : "", bytes, 0);
	return failed ? failure(env, errno) : success(env);
}

static napi_value remove_value(napi_env env, napi_callback_info info)
{
	struct attribute_call call;
	napi_value arguments[2];
	if (!read_call(&call, env, info, 2, arguments))
		return failure(env, EINVAL);
	const int failed = fremovexattr(call.file, call.name);
	return failed ? failure(env, errno) : success(env);
}

/* Reads exactly `count` arguments, of which the first two are a descriptor and a name. Returns
 * false for a name that is empty, too long for the system, or has a NUL. */
static bool read_call(struct attribute_call *call, napi_env env, napi_callback_info info,
	size_t count, napi_value *arguments)
{
	size_t given = count;
	if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) || given != count)
		return false;
	if (!read_descriptor(env, arguments[0], &call->file))
		return false;
	size_t bytes;
	if (napi_get_value_string_utf8(env, arguments[1], call->name, sizeof call->name, &bytes))
		return false;
	return bytes > 0 && bytes <= NAME_BYTES && strlen(call->name) == bytes;
}

/* Reads a descriptor. napi_get_value_int32() would turn fractions and NaN into descriptors of other
 * files. */
static bool read_descriptor(napi_env env, napi_value given, int *file)
{
	double number;
	if (napi_get_value_double(env, given, &number))
		return false;
	if (!(number >= 0 && number <= INT_MAX) || number != (int)number)
		return false;
	*file = (int)number;
	return true;
}

static napi_value success(napi_env env)
{
	napi_value result;
	return napi_get_boolean(env, true, &result) ? NULL : result;
}

static napi_value failure(napi_env env, int error)
{
	napi_value result;
	if (error == ENODATA || napi_create_int32(env, error, &result))
		return NULL;
	return result;
}

#else

/* On other systems JavaScript uses fs-xattr. */
bool register_attributes(napi_env env, napi_value exports)
{
	(void)env;
	(void)exports;
	return true;
}

#endif
