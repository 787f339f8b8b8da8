/* Exports the ways of events out of the process: the system log, and the launcher's collector. */
#include "../shared/events/event-channel.h"
#include "../shared/events/syslog.h"
#include "arguments.h"
#include "exports.h"
#include <errno.h>

/* logToSystem(line, isRefusal) → boolean
 *
 * Writes an event to the system log. Returns false if the log did not accept the event. */
napi_value on_log_to_system(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	char line[1 << 15];
	if (!get_c_string(env, given[0], line, sizeof line))
		return make_boolean(env, false);
	bool is_refusal = false;
	if (napi_get_value_bool(env, given[1], &is_refusal) != 0)
		return make_boolean(env, false);
	return make_boolean(env, log_to_system("node", line, is_refusal));
}

/* openChannel() → boolean
 *
 * Takes over the way to the collector that the launcher passes. Returns false if there is none. */
napi_value on_open_channel(napi_env env, napi_callback_info info)
{
	(void)info;
	return make_boolean(env, open_channel());
}

/* sendEvents(lines, waits) → number
 *
 * Sends lines of JSON, which are UTF-8 in a Uint8Array, to the collector. If `waits` is true, they
 * are in its file when the function returns 0. Returns an errno if they were not taken.
 *
 * The bytes stay in the memory of the array, which only the caller can change meanwhile. */
napi_value on_send_events(napi_env env, napi_callback_info info)
{
	napi_value given[2] = {NULL};
	size_t count = 2;
	void *bytes = NULL;
	size_t size = 0;
	bool waits = false;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (!get_bytes(env, given[0], &bytes, &size) || napi_get_value_bool(env, given[1], &waits) != 0)
		return make_number(env, EINVAL);
	return make_number(env, send_lines(size == 0 ? "" : bytes, size, waits) ? 0 : errno);
}
