/* Finds the files that the host configuration names: the policy, and certificates of authorities.
 * They decide what may run, so no granted directory may contain them.
 *
 * A configuration that is missing or not valid names no file here. The runtime reads it again, and
 * does not start with it. */
#define _GNU_SOURCE
#include "places.h"
#include "refusal.h"
#include "settings.h"
#include "../shared/text/json.h"
#include "../shared/settings/members.h"
#include "../shared/files/owned-file.h"
#include "../shared/settings/schema.h"
#include <sys/types.h>

static void take_certificates(const struct json *list, take_place *take, void *context)
{
	EACH(authority, list) {
		take(json_member(authority, "certificate")->text, context);
	}
}

void each_configured_file(const struct settings *settings, take_place *take, void *context)
{
	static char text[MAX_HOST_BYTES + 1];
	static struct json cells[MAX_HOST_BYTES / 2 + 2];
	const struct json *values[HOST_MEMBERS];
	struct fault fault;
	const char *why;
	const int trusted = TRUST_STICKY | (settings->development ? TRUST_USER | TRUST_LINKS : 0);
	const ssize_t size = read_owned(settings->config, trusted, text, sizeof text, &why);
	if (size < 0)
		require_answer(settings->config);
	if (size <= 0)
		return;
	const struct json *document =
		parse_json(text, (size_t)size, cells, sizeof cells / sizeof *cells);
	if (!read_members(document, HOST, values, &fault))
		return;
	if (values[HOST_POLICY] != NULL)
		take(values[HOST_POLICY]->text, context);
	take_certificates(values[HOST_AUTHORITIES], take, context);
	take_certificates(values[HOST_TIMESTAMP_AUTHORITIES], take, context);
}
