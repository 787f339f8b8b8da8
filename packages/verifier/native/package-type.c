#include "package-type.h"
#include "json.h"
#include <string.h>

enum { MOST_VALUES = 4096 };

enum package_type package_type(char *text, size_t size)
{
	struct json values[MOST_VALUES];
	const struct json *document = parse_json(text, size, values, MOST_VALUES),
					  *type = json_member(document, "type");
	if (document == NULL)
		return TYPE_UNKNOWN;
	if (type == NULL || type->kind != JSON_STRING)
		return TYPE_NONE;
	return strcmp(type->text, "module") == 0     ? TYPE_MODULE
		   : strcmp(type->text, "commonjs") == 0 ? TYPE_COMMONJS
												 : TYPE_NONE;
}
