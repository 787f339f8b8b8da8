/*
 * What the hook cannot do from JavaScript: ask the kernel whether it would execute an open file,
 * read an extended attribute of one, take rights away from the process, and end it from a worker;
 * and what takes it ten times as long: open, read and digest a file. Optional: without it the
 * former are named as missing.
 *
 *   kernelAnswers()         whether it can be asked whether it would execute a file (Linux 6.14)
 *   kernelObjection(descriptor)  why it would not; undefined where it would, or cannot be asked
 *   readPlainFile(path, maxBytes, facts)  text in UTF-8 at an absolute path without links, in a
 * regular file of at most so many bytes, a byte order mark included; undefined for any other, or
 * when anything fails. Into the 33 bytes of `facts` go its SHA-256, and 1 where the kernel has no
 * objection readPackageType(path, maxBytes, facts)  the same of a package.json, without the text:
 * 0, 1 for commonjs, 2 for module; undefined also where JSON.parse has to be asked; -1 when nothing
 * is at the path, which leaves the facts alone findRecord(index, recordsStart, namesStart,
 * namesEnd, first, end, path)  number of the record, or as find-record.h has it
 *   fgetxattr(descriptor, name, view)  bytes of the value put into the Uint8Array `view`, or the
 * negative errno logToSystem(line, isRefusal)  whether the system's log took an event
 *   exitProcess(status)     ends all threads at once
 *   lockdown()              0, or an errno: no system call of lockdown.c any more, in any thread;
 * not to be traced
 */

#define _GNU_SOURCE
#include "find-record.h"
#include "kernel-check.h"
#include "lockdown.h"
#include "package-type.h"
#include "plain-file.h"
#include "syslog.h"
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The part of Node-API, version 8, that is used here. Its ABI is stable, so no headers have to be
 * found. */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
int napi_create_function(
	napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *out);
int napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);
int napi_get_cb_info(
	napi_env, napi_callback_info, size_t *argc, napi_value *argv, napi_value *self, void **data);
int napi_get_value_string_utf8(napi_env, napi_value, char *out, size_t size, size_t *length);
int napi_get_value_bool(napi_env, napi_value, bool *out);
int napi_get_value_int32(napi_env, napi_value, int32_t *out);
int napi_get_value_uint32(napi_env, napi_value, uint32_t *out);
int napi_get_value_double(napi_env, napi_value, double *out);
int napi_create_string_latin1(napi_env, const char *text, size_t length, napi_value *out);
int node_api_create_external_string_latin1(napi_env, char *text, size_t length,
	void (*finalize)(napi_env, void *text, void *hint), void *hint, napi_value *out, bool *copied);
int napi_create_string_utf8(napi_env, const char *text, size_t length, napi_value *out);
int napi_get_boolean(napi_env, bool value, napi_value *out);
int napi_create_int32(napi_env, int32_t, napi_value *out);
int napi_get_typedarray_info(napi_env, napi_value, int *type, size_t *length, void **data,
	napi_value *buffer, size_t *offset);

enum {
	NO_DESCRIPTOR = -1,
	UINT8_ARRAY = 1,
	MAX_NAME = 255,
	MAX_INDEX_PATH = 4096,
	MAX_LINE = 1 << 15,
	LEAST_LENT = 1 << 20,
	MOST_LENT = 64 << 20
};

/* What is no number, or no descriptor, is answered as an unknown descriptor is: EBADF. */
static int descriptor_of(napi_env env, napi_value value)
{
	int32_t descriptor;
	return napi_get_value_int32(env, value, &descriptor) == 0 && descriptor >= 0 ? descriptor
																				 : NO_DESCRIPTOR;
}

static napi_value number(napi_env env, int32_t value)
{
	napi_value result = NULL;
	napi_create_int32(env, value, &result);
	return result;
}

static napi_value answers(napi_env env, napi_callback_info info)
{
	napi_value answer = NULL;
	(void)info;
	napi_get_boolean(env, kernel_answers(), &answer);
	return answer;
}

static napi_value objection(napi_env env, napi_callback_info info)
{
	napi_value given[1] = {NULL}, answer = NULL;
	size_t count = 1;
	struct stat status;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	int descriptor = descriptor_of(env, given[0]);
	const char *why =
		kernel_objection(descriptor, fstat(descriptor, &status) == 0 ? status.st_mode : 0);
	if (why != NULL)
		napi_create_string_latin1(env, why, strlen(why), &answer);
	return answer;
}

/* A name with a NUL in it would be cut there: it is refused. */
static napi_value get_attribute(napi_env env, napi_callback_info info)
{
	napi_value given[3] = {NULL};
	size_t count = 3, name_length = 0, size = 0;
	char name[MAX_NAME + 2];
	void *bytes = NULL;
	int type = -1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (napi_get_value_string_utf8(env, given[1], name, sizeof name, &name_length) != 0 ||
		name_length > MAX_NAME || strlen(name) != name_length)
		return number(env, -ERANGE);
	if (napi_get_typedarray_info(env, given[2], &type, &size, &bytes, NULL, NULL) != 0 ||
		type != UINT8_ARRAY || size == 0)
		return number(env, -EINVAL);
	ssize_t length = fgetxattr(descriptor_of(env, given[0]), name, bytes, size);
	return number(env, length < 0 ? -errno : (int32_t)length);
}

/* What V8's strings hold of memory that it does not know to be large. Telling it makes it collect
 * at once, which takes longer than the copy that is saved. */
static _Atomic size_t lent;

static void take_back(napi_env env, void *content, void *size)
{
	(void)env;
	lent -= (uintptr_t)size;
	free(content);
}

/* Frees what was read, or lends it: strings of megabytes are not copied, as long as they are few.
 */
static napi_value content_of(napi_env env, struct plain_file *file)
{
	napi_value content = NULL;
	char *text = (char *)file->content;
	bool is_copied;
	if (file->is_ascii && file->size >= LEAST_LENT && lent + file->size <= MOST_LENT) {
		lent += file->size;
		if (node_api_create_external_string_latin1(
				env, text, file->size, take_back, (void *)file->size, &content, &is_copied) == 0)
			return content; /* Where V8 made a copy after all, it has given this back. */
		lent -= file->size;
	} else if (file->is_ascii)
		napi_create_string_latin1(env, text, file->size, &content);
	else
		napi_create_string_utf8(env, text, file->size, &content);
	free(text);
	return content;
}

/* A path with a NUL in it would be cut there: it is no plain file's. False as `read_plain_file`
 * answers it, errno included. */
static bool read_given(napi_env env, napi_callback_info info, struct plain_file *file)
{
	enum { EXECUTABLE = sizeof((struct plain_file *)0)->sha256, FACTS };
	napi_value given[3] = {NULL};
	size_t count = 3, path_length = 0, size = 0;
	char path[PATH_MAX];
	double max_bytes = 0;
	void *facts = NULL;
	int type = -1;
	errno = EINVAL;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (napi_get_value_string_utf8(env, given[0], path, sizeof path, &path_length) != 0 ||
		path_length >= sizeof path - 1 || strlen(path) != path_length ||
		napi_get_value_double(env, given[1], &max_bytes) != 0 ||
		napi_get_typedarray_info(env, given[2], &type, &size, &facts, NULL, NULL) != 0 ||
		type != UINT8_ARRAY || size != FACTS || !read_plain_file(path, max_bytes, file))
		return false;
	memcpy(facts, file->sha256, sizeof file->sha256);
	((unsigned char *)facts)[EXECUTABLE] = file->is_executable;
	return true;
}

static napi_value read_plain(napi_env env, napi_callback_info info)
{
	struct plain_file file;
	return read_given(env, info, &file) ? content_of(env, &file) : NULL;
}

static napi_value read_package_type(napi_env env, napi_callback_info info)
{
	struct plain_file file;
	if (!read_given(env, info, &file))
		return errno == ENOENT ? number(env, -1) : NULL;
	enum package_type type = package_type((char *)file.content, file.size);
	free(file.content);
	return type == TYPE_UNKNOWN ? NULL : number(env, (int32_t)type);
}

static napi_value find(napi_env env, napi_callback_info info)
{
	enum { INDEX, RECORDS_START, NAMES_START, NAMES_END, FIRST, END, PATH, ALL };
	napi_value given[ALL] = {NULL};
	size_t count = ALL, size = 0, path_bytes = 0;
	uint32_t numbers[PATH] = {0};
	char path[MAX_INDEX_PATH + 2];
	void *bytes = NULL;
	int type = -1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	for (int i = RECORDS_START; i < PATH; i++)
		if (napi_get_value_uint32(env, given[i], &numbers[i]) != 0)
			return number(env, DAMAGED);
	if (napi_get_typedarray_info(env, given[INDEX], &type, &size, &bytes, NULL, NULL) != 0 ||
		type != UINT8_ARRAY ||
		napi_get_value_string_utf8(env, given[PATH], path, sizeof path, &path_bytes) != 0 ||
		path_bytes > MAX_INDEX_PATH)
		return number(env, DAMAGED);
	struct index_table table = {
		bytes, size, numbers[RECORDS_START], numbers[NAMES_START], numbers[NAMES_END]};
	return number(
		env, (int32_t)find_record(&table, numbers[FIRST], numbers[END], path, path_bytes));
}

/* What has a NUL in it, or does not fit a line, is nobody's. */
static napi_value log_line(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL}, answer = NULL;
	size_t count = 2, length = 0;
	char line[MAX_LINE];
	bool is_refusal = false;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	bool is_line = napi_get_value_string_utf8(env, given[0], line, sizeof line, &length) == 0 &&
				   length < sizeof line - 1 && strlen(line) == length;
	bool is_told = is_line && napi_get_value_bool(env, given[1], &is_refusal) == 0;
	napi_get_boolean(env, is_told && log_to_system("node", line, is_refusal), &answer);
	return answer;
}

static napi_value lock_down(napi_env env, napi_callback_info info)
{
	(void)info;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return number(env, errno);
	int result = restrict_calls(NO_DESCRIPTOR, NULL, NULL, ALL_THREADS);
	/* TSYNC answers with the thread that could not follow. */
	return number(env, result == 0 ? 0 : result > 0 ? ESRCH : errno);
}

static napi_value exit_process(napi_env env, napi_callback_info info)
{
	napi_value given[1] = {NULL};
	size_t count = 1;
	int32_t status = EXIT_FAILURE;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	napi_get_value_int32(env, given[0], &status);
	_exit(status);
}

static void expose(napi_env env, napi_value exports, const char *name, napi_callback callback)
{
	napi_value function;
	if (napi_create_function(env, name, SIZE_MAX, callback, NULL, &function) == 0)
		napi_set_named_property(env, exports, name, function);
}

/* Node.js finds these two by name. */
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void);
int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(
	napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	expose(env, exports, "kernelAnswers", answers);
	expose(env, exports, "kernelObjection", objection);
	expose(env, exports, "readPlainFile", read_plain);
	expose(env, exports, "readPackageType", read_package_type);
	expose(env, exports, "findRecord", find);
	expose(env, exports, "fgetxattr", get_attribute);
	expose(env, exports, "logToSystem", log_line);
	expose(env, exports, "lockdown", lock_down);
	expose(env, exports, "exitProcess", exit_process);
	return exports;
}
