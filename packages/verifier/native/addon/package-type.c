/* Keeps the guarantee of package-type.h by the strict JSON parser, which also reads
 * configurations. */
#include "package-type.h"
#include "../shared/text/json.h"
#include <string.h>

enum { MAX_VALUES = 4096 };

enum package_type package_type(char *text, size_t size)
{
	struct json values[MAX_VALUES];
	const struct json *document = parse_json(text, size, values, MAX_VALUES);
	const struct json *type = json_member(document, "type");
	if (document == NULL)
		return TYPE_UNKNOWN;
	if (type == NULL || type->kind != JSON_STRING)
		return TYPE_NONE;
	if (strcmp(type->text, "module") == 0)
		return TYPE_MODULE;
	if (strcmp(type->text, "commonjs") == 0)
		return TYPE_COMMONJS;
	return TYPE_NONE;
}
