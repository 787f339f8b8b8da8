/* Exports the questions about files: the kernel's answer, an extended attribute, and the fast path
 * to a file, which takes a tenth of the time that JavaScript takes. Nothing here decides what may
 * run. */
#define _GNU_SOURCE
#include "../shared/files/kernel-check.h"
#include "arguments.h"
#include "exports.h"
#include "lent-string.h"
#include "package-type.h"
#include "regular-file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { MAX_NAME_BYTES = 255 };

/* kernelAnswers() → boolean
 *
 * Returns true if the kernel can be asked about execution (Linux 6.14). */
napi_value on_kernel_answers(napi_env env, napi_callback_info info)
{
	(void)info;
	return make_boolean(env, kernel_answers());
}

/* kernelObjection(descriptor) → string | undefined
 *
 * Returns why the kernel would not execute an open file. Returns undefined if the kernel would
 * execute the file, or if the kernel cannot be asked. */
napi_value on_kernel_objection(napi_env env, napi_callback_info info)
{
	napi_value given[1] = {NULL};
	size_t count = 1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	const int descriptor = descriptor_of(env, given[0]);
	struct stat status;
	const unsigned mode = fstat(descriptor, &status) == 0 ? status.st_mode : 0;
	const char *why = kernel_objection(descriptor, mode);
	napi_value answer = NULL;
	if (why != NULL)
		napi_create_string_latin1(env, why, strlen(why), &answer);
	return answer;
}

/* fgetxattr(descriptor, name, view) → number
 *
 * Writes the value of an extended attribute to the Uint8Array `view`. Returns the length of the
 * value in bytes, or the negative errno. */
napi_value on_fgetxattr(napi_env env, napi_callback_info info)
{
	napi_value given[3] = {NULL};
	size_t count = 3;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	char name[ROOM_FOR(MAX_NAME_BYTES)];
	if (!get_c_string(env, given[1], name, sizeof name))
		return make_number(env, -ERANGE);
	void *bytes = NULL;
	size_t size = 0;
	if (!get_bytes(env, given[2], &bytes, &size) || size == 0)
		return make_number(env, -EINVAL);
	const int descriptor = descriptor_of(env, given[0]);
	const ssize_t length = fgetxattr(descriptor, name, bytes, size);
	return make_number(env, length < 0 ? -errno : (int32_t)length);
}

/* Reads the file that the arguments `path` and `maxBytes` describe. The argument `facts` is a
 * Uint8Array, which receives the SHA-256 of the file and then one byte with the other facts.
 * Returns false with errno EINVAL if an argument is wrong. Returns false with the errno of
 * read_regular_file() if that function returns false. In both cases the caller has nothing to
 * free. */
static bool read_given(
	napi_env env, napi_callback_info info, bool wants_text, struct regular_file *file)
{
	enum { ANSWERS = sizeof file->sha256, FACTS };
	enum { EXECUTABLE = 1, ROOT_OWNS = 2, OWNER_ALONE_WRITES = 4 };
	napi_value given[3] = {NULL};
	size_t count = 3;
	errno = EINVAL;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	char path[ROOM_FOR(PATH_MAX)];
	double max_bytes = 0;
	void *facts = NULL;
	size_t size = 0;
	if (!get_c_string(env, given[0], path, sizeof path))
		return false;
	if (napi_get_value_double(env, given[1], &max_bytes) != 0)
		return false;
	if (!get_bytes(env, given[2], &facts, &size) || size != FACTS)
		return false;
	const bool is_read = read_regular_file(wants_text ? env : NULL, path, max_bytes, file);
	if (!is_read)
		return false;
	memcpy(facts, file->sha256, sizeof file->sha256);
	((unsigned char *)facts)[ANSWERS] = (unsigned char)((file->is_executable ? EXECUTABLE : 0) |
		(file->is_of_root ? ROOT_OWNS : 0) |
		(file->is_written_by_owner_alone ? OWNER_ALONE_WRITES : 0));
	return true;
}

/* readRegularFile(path, maxBytes, facts) → string | undefined
 *
 * Returns the text of a regular file of at most `maxBytes` bytes of UTF-8, including a byte order
 * mark, at an absolute path without links. Returns undefined for any other file, and if anything
 * fails. `facts` is a Uint8Array of 33 bytes. It receives the SHA-256 of the file, and then a byte
 * with the sum of 1 if the kernel has no objection to the file, 2 if root owns it, and 4 if its
 * mode lets neither its group nor others write it. */
napi_value on_read_regular_file(napi_env env, napi_callback_info info)
{
	struct regular_file file;
	if (!read_given(env, info, true, &file))
		return NULL;
	if (file.text_of_gate != NULL)
		return file.text_of_gate;
	return string_of(env, (char *)file.content, file.size, file.is_ascii);
}

/* readPackageType(path, maxBytes, facts) → number | undefined
 *
 * Reads a package.json like readRegularFile(), but returns its `type`: 0 for none, 1 for commonjs,
 * 2 for module. Returns undefined also if JSON.parse has to read the text. Returns -1, and leaves
 * `facts` unchanged, if there is no file at the path. */
napi_value on_read_package_type(napi_env env, napi_callback_info info)
{
	struct regular_file file;
	if (!read_given(env, info, false, &file))
		return errno == ENOENT ? make_number(env, -1) : NULL;
	const enum package_type type = package_type((char *)file.content, file.size);
	free(file.content);
	return type == TYPE_UNKNOWN ? NULL : make_number(env, (int32_t)type);
}
