/* Exports the trust index: keeps it for all threads, and finds a path in it. */
#include "../shared/index/find-record.h"
#include "arguments.h"
#include "exports.h"
#include "index-memory.h"

enum { MAX_INDEX_PATH_BYTES = 4096 };

/* findRecord(index, recordsStart, namesStart, namesEnd, first, end, path) → number
 *
 * Returns the result of find_record() in find-record.h. */
napi_value on_find_record(napi_env env, napi_callback_info info)
{
	enum { INDEX, RECORDS_START, NAMES_START, NAMES_END, FIRST, END, PATH, ARGUMENTS };
	napi_value given[ARGUMENTS] = {NULL};
	size_t count = ARGUMENTS;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	uint32_t numbers[PATH] = {0};
	for (int i = RECORDS_START; i <= END; i++)
		if (napi_get_value_uint32(env, given[i], &numbers[i]) != 0)
			return make_number(env, DAMAGED);
	void *bytes = NULL;
	size_t size = 0;
	if (!get_bytes(env, given[INDEX], &bytes, &size))
		return make_number(env, DAMAGED);
	char path[ROOM_FOR(MAX_INDEX_PATH_BYTES)];
	size_t path_bytes = 0;
	if (!get_text(env, given[PATH], path, sizeof path, &path_bytes))
		return make_number(env, DAMAGED);
	const struct index_table table = {
		.bytes = bytes,
		.size = size,
		.records_start = numbers[RECORDS_START],
		.names_start = numbers[NAMES_START],
		.names_end = numbers[NAMES_END],
	};
	const int64_t found = find_record(&table, numbers[FIRST], numbers[END], path, path_bytes);
	return make_number(env, (int32_t)found);
}

/* keepIndex(descriptor, isFixed) → boolean
 *
 * Keeps the index of an open file in memory that nobody can write to, once in the life of the
 * process. Returns false if it is not kept. index-memory.h tells more. */
napi_value on_keep_index(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	bool is_fixed = false;
	if (napi_get_value_bool(env, given[1], &is_fixed) != 0)
		return make_boolean(env, false);
	return make_boolean(env, keep_index(descriptor_of(env, given[0]), is_fixed));
}

/* keptIndex() → ArrayBuffer | undefined
 *
 * Returns the index that any thread has kept. A write to the buffer ends the process. */
napi_value on_kept_index(napi_env env, napi_callback_info info)
{
	(void)info;
	const struct index_memory kept = kept_index();
	napi_value buffer = NULL;
	if (kept.bytes == NULL)
		return NULL;
	/* A Node.js whose V8 keeps all buffers in one range of addresses refuses other memory. */
	if (napi_create_external_arraybuffer(env, kept.bytes, kept.size, NULL, NULL, &buffer) != 0)
		return NULL;
	return buffer;
}
