/* Contains the native part of the hook in Node.js. It asks the kernel about files, gives up rights
 * of the process, and has the fast path to files, which takes a tenth of the time that JavaScript
 * takes. Guarantees that no function throws if an argument has a wrong type: the function then
 * returns what it returns for a failure. Nothing here decides what may run. The addon is optional:
 * if it is missing, the hook reports what is not enforced.
 *
 *   kernelAnswers() → boolean
 *       Returns true if the kernel can be asked about execution (Linux 6.14).
 *
 *   kernelObjection(descriptor) → string | undefined
 *       Returns why the kernel would not execute an open file. Returns undefined if the kernel
 *       would execute the file, or if the kernel cannot be asked.
 *
 *   readRegularFile(path, maxBytes, facts) → string | undefined
 *       Returns the text of a regular file of at most `maxBytes` bytes of UTF-8, including a byte
 *       order mark, at an absolute path without links. Returns undefined for any other file, and if
 *       anything fails. `facts` is a Uint8Array of 33 bytes. It receives the SHA-256 of the file,
 *       and then a byte with the sum of 1 if the kernel has no objection to the file, 2 if root
 * owns it, and 4 if its mode lets neither its group nor others write it.
 *
 *   readPackageType(path, maxBytes, facts) → number | undefined
 *       Reads a package.json like readRegularFile(), but returns its `type`: 0 for none, 1 for
 *       commonjs, 2 for module. Returns undefined also if JSON.parse has to read the text. Returns
 *       -1, and leaves `facts` unchanged, if there is no file at the path.
 *
 *   findRecord(index, recordsStart, namesStart, namesEnd, first, end, path) → number
 *       Returns the result of find_record() in find-record.h.
 *
 *   keepIndex(descriptor, isFixed) → boolean
 *       Keeps the index of an open file in memory that nobody can write to, once in the life of the
 *       process. index-memory.h tells more.
 *
 *   keptIndex() → ArrayBuffer | undefined
 *       Returns the index that any thread has kept. A write to the buffer ends the process.
 *
 *   fgetxattr(descriptor, name, view) → number
 *       Writes the value of an extended attribute to the Uint8Array `view`. Returns the length of
 *       the value in bytes, or the negative errno.
 *
 *   logToSystem(line, isRefusal) → boolean
 *   openChannel() → boolean
 *   sendEvents(bytes, waits) → 0 or an errno
 *       Writes an event to the system log. Returns false if the log did not accept the event.
 *
 *   lockdown() → number
 *       Makes the kernel refuse the system calls of shared/lockdown.c in each thread, and keeps
 *       debuggers from attaching. Returns 0 or an errno.
 *
 *   gateLacks() → string | undefined
 *       Returns "" if the gate (room gate/) is in front of this process, else why it is not.
 *       Returns undefined if the launcher has loaded no gate.
 *
 *   compileWasm(bytes) → WebAssembly.Module | undefined
 *       Compiles WebAssembly that is in a Uint8Array. Only the gate can do that where there is one.
 *       Returns undefined if no signature names the bytes. Throws what V8 throws.
 *
 *   exitProcess(status) → never
 *       Ends all threads of the process at once. Any thread may call it.
 */

#define _GNU_SOURCE
#include "../shared/find-record.h"
#include "../shared/event-channel.h"
#include "../shared/kernel-check.h"
#include "index-memory.h"
#include "lent-string.h"
#include "../shared/lockdown.h"
#include "node-api.h"
#include "package-type.h"
#include "regular-file.h"
#include "../shared/syslog.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { NO_DESCRIPTOR = -1, MAX_NAME_BYTES = 255, MAX_INDEX_PATH_BYTES = 4096 };

/* Node-API cuts a text that is too long between two characters. A cut leaves at most CUT_BYTES
 * bytes of the buffer without text: three bytes in which a character of four bytes did not fit, and
 * the byte of the NUL. So a text may have been cut if it leaves at most CUT_BYTES bytes without
 * text. */
enum { CUT_BYTES = 4 };

/* The size in bytes of the buffer that get_text() needs for a text of `bytes` bytes. */
#define ROOM_FOR(bytes) ((bytes) + CUT_BYTES + 1)

/* Returns an argument as a descriptor. Returns NO_DESCRIPTOR for any other value, so that system
 * calls with it fail with EBADF. */
static int descriptor_of(napi_env env, napi_value value)
{
	int32_t descriptor;
	if (napi_get_value_int32(env, value, &descriptor) != 0 || descriptor < 0)
		return NO_DESCRIPTOR;
	return descriptor;
}

/* Reads an argument as text of less than `room` - CUT_BYTES bytes, which may contain a NUL. Returns
 * false if the argument is no text, or if the text may have been cut. */
static bool get_text(napi_env env, napi_value value, char *text, size_t room, size_t *length)
{
	if (napi_get_value_string_utf8(env, value, text, room, length) != 0)
		return false;
	return *length < room - CUT_BYTES;
}

/* Reads an argument like get_text(), but returns false if the text contains a NUL, because a NUL
 * ends a C string. */
static bool get_c_string(napi_env env, napi_value value, char *text, size_t room)
{
	size_t length = 0;
	if (!get_text(env, value, text, room, &length))
		return false;
	return strlen(text) == length;
}

/* Reads an argument as a Uint8Array. `bytes` points to the array's own memory, which stays valid
 * until the callback returns. */
static bool get_bytes(napi_env env, napi_value value, void **bytes, size_t *size)
{
	int type = -1;
	if (napi_get_typedarray_info(env, value, &type, size, bytes, NULL, NULL) != 0)
		return false;
	return type == NAPI_UINT8_ARRAY;
}

static napi_value number(napi_env env, int32_t value)
{
	napi_value result = NULL;
	napi_create_int32(env, value, &result);
	return result;
}

static napi_value boolean(napi_env env, bool value)
{
	napi_value result = NULL;
	napi_get_boolean(env, value, &result);
	return result;
}

static napi_value on_kernel_answers(napi_env env, napi_callback_info info)
{
	(void)info;
	return boolean(env, kernel_answers());
}

static napi_value on_kernel_objection(napi_env env, napi_callback_info info)
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

static napi_value on_fgetxattr(napi_env env, napi_callback_info info)
{
	napi_value given[3] = {NULL};
	size_t count = 3;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	char name[ROOM_FOR(MAX_NAME_BYTES)];
	if (!get_c_string(env, given[1], name, sizeof name))
		return number(env, -ERANGE);
	void *bytes = NULL;
	size_t size = 0;
	if (!get_bytes(env, given[2], &bytes, &size) || size == 0)
		return number(env, -EINVAL);
	const int descriptor = descriptor_of(env, given[0]);
	const ssize_t length = fgetxattr(descriptor, name, bytes, size);
	return number(env, length < 0 ? -errno : (int32_t)length);
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

static napi_value on_read_regular_file(napi_env env, napi_callback_info info)
{
	struct regular_file file;
	if (!read_given(env, info, true, &file))
		return NULL;
	if (file.text_of_gate != NULL)
		return file.text_of_gate;
	return string_of(env, (char *)file.content, file.size, file.is_ascii);
}

static napi_value on_read_package_type(napi_env env, napi_callback_info info)
{
	struct regular_file file;
	if (!read_given(env, info, false, &file))
		return errno == ENOENT ? number(env, -1) : NULL;
	const enum package_type type = package_type((char *)file.content, file.size);
	free(file.content);
	return type == TYPE_UNKNOWN ? NULL : number(env, (int32_t)type);
}

static napi_value on_find_record(napi_env env, napi_callback_info info)
{
	enum { INDEX, RECORDS_START, NAMES_START, NAMES_END, FIRST, END, PATH, ARGUMENTS };
	napi_value given[ARGUMENTS] = {NULL};
	size_t count = ARGUMENTS;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	uint32_t numbers[PATH] = {0};
	for (int i = RECORDS_START; i <= END; i++)
		if (napi_get_value_uint32(env, given[i], &numbers[i]) != 0)
			return number(env, DAMAGED);
	void *bytes = NULL;
	size_t size = 0;
	if (!get_bytes(env, given[INDEX], &bytes, &size))
		return number(env, DAMAGED);
	char path[ROOM_FOR(MAX_INDEX_PATH_BYTES)];
	size_t path_bytes = 0;
	if (!get_text(env, given[PATH], path, sizeof path, &path_bytes))
		return number(env, DAMAGED);
	const struct index_table table = {
		.bytes = bytes,
		.size = size,
		.records_start = numbers[RECORDS_START],
		.names_start = numbers[NAMES_START],
		.names_end = numbers[NAMES_END],
	};
	const int64_t found = find_record(&table, numbers[FIRST], numbers[END], path, path_bytes);
	return number(env, (int32_t)found);
}

static napi_value on_keep_index(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	bool is_fixed = false;
	if (napi_get_value_bool(env, given[1], &is_fixed) != 0)
		return boolean(env, false);
	return boolean(env, keep_index(descriptor_of(env, given[0]), is_fixed));
}

static napi_value on_kept_index(napi_env env, napi_callback_info info)
{
	(void)info;
	const struct index_memory kept = kept_index();
	napi_value buffer = NULL;
	if (kept.bytes == NULL)
		return NULL;
	/* A Node.js that moves buffers into a cage of its own refuses memory from outside. */
	if (napi_create_external_arraybuffer(env, kept.bytes, kept.size, NULL, NULL, &buffer) != 0)
		return NULL;
	return buffer;
}

static napi_value on_log_to_system(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	char line[1 << 15];
	if (!get_c_string(env, given[0], line, sizeof line))
		return boolean(env, false);
	bool is_refusal = false;
	if (napi_get_value_bool(env, given[1], &is_refusal) != 0)
		return boolean(env, false);
	return boolean(env, log_to_system("node", line, is_refusal));
}

static napi_value on_open_channel(napi_env env, napi_callback_info info)
{
	(void)info;
	return boolean(env, open_channel());
}

/* The bytes stay in the memory of the array, which only the caller can change meanwhile. */
static napi_value on_send_events(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	void *bytes = NULL;
	size_t size = 0;
	bool waits = false;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (!get_bytes(env, given[0], &bytes, &size) || napi_get_value_bool(env, given[1], &waits) != 0)
		return number(env, EINVAL);
	return number(env, send_lines(size == 0 ? "" : bytes, size, waits) ? 0 : errno);
}

static napi_value on_lockdown(napi_env env, napi_callback_info info)
{
	(void)info;
	/* After prctl() other processes of this user can neither attach to this process as debuggers
	 * nor read its memory. */
	const int failed = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (failed)
		return number(env, errno);
	const int result = restrict_calls(NULL, ALL_THREADS);
	if (result < 0)
		return number(env, errno);
	/* If `result` is positive, it is the number of a thread that could not be filtered. */
	return number(env, result == 0 ? 0 : ESRCH);
}

/* The gate is another library of the process, which may be absent. */
static napi_value on_gate_lacks(napi_env env, napi_callback_info info)
{
	(void)info;
	napi_value result = NULL;
	const char *(*gate_lacks)(void) =
		(const char *(*)(void))dlsym(RTLD_DEFAULT, "sigtool_gate_lacks");
	if (gate_lacks != NULL)
		napi_create_string_utf8(env, gate_lacks(), NAPI_AUTO_LENGTH, &result);
	return result;
}

/* A napi_value is the address of a slot, as a local handle of V8 is (js_native_api_v8.h). */
static napi_value on_compile_wasm(napi_env env, napi_callback_info info)
{
	typedef const void *compile(const uint8_t *bytes, size_t length);
	napi_value given[1] = {NULL};
	size_t count = 1;
	void *bytes = NULL;
	size_t size = 0;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	compile *gate_compile = (compile *)dlsym(RTLD_DEFAULT, "sigtool_gate_compile_wasm");
	if (gate_compile == NULL || !get_bytes(env, given[0], &bytes, &size))
		return NULL;
	return (napi_value)gate_compile(bytes, size);
}

static napi_value on_exit_process(napi_env env, napi_callback_info info)
{
	napi_value given[1] = {NULL};
	size_t count = 1;
	int32_t status = EXIT_FAILURE;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	napi_get_value_int32(env, given[0], &status);
	_exit(status);
}

static const struct {
	const char *name;
	napi_callback callback;
} EXPORTS[] = {
	{"kernelAnswers", on_kernel_answers},
	{"kernelObjection", on_kernel_objection},
	{"readRegularFile", on_read_regular_file},
	{"readPackageType", on_read_package_type},
	{"findRecord", on_find_record},
	{"keepIndex", on_keep_index},
	{"keptIndex", on_kept_index},
	{"fgetxattr", on_fgetxattr},
	{"logToSystem", on_log_to_system},
	{"openChannel", on_open_channel},
	{"sendEvents", on_send_events},
	{"lockdown", on_lockdown},
	{"gateLacks", on_gate_lacks},
	{"compileWasm", on_compile_wasm},
	{"exitProcess", on_exit_process},
};

/* Node.js looks the next two functions up by their names. */
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void);
int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(
	napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	for (size_t i = 0; i < sizeof EXPORTS / sizeof *EXPORTS; i++) {
		napi_value function;
		const int status = napi_create_function(
			env, EXPORTS[i].name, NAPI_AUTO_LENGTH, EXPORTS[i].callback, NULL, &function);
		if (status == 0)
			napi_set_named_property(env, exports, EXPORTS[i].name, function);
	}
	return exports;
}
