/* One pass without recursion over the whole document. The NUL behind it is no part of JSON, so it ends every loop. */

#include "package-type.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MOST_LEVELS = 64 };

static bool begins(const char *at, const char *text)
{
	return strncmp(at, text, strlen(text)) == 0;
}

static const char *behind_space(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

/* Behind the string that begins here; NULL where there is none. Its escapes stand for no letter: `\u` is left out. */
static const char *behind_string(const char *at)
{
	if (*at != '"')
		return NULL;
	while (*++at != '"') {
		if (*at == '\\') {
			at++;
			if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL)
				return NULL;
		} else if ((unsigned char)*at < ' ')
			return NULL;
	}
	return at + 1;
}

/* Behind the string, word or plain number; NULL where there is none. */
static const char *behind_scalar(const char *at)
{
	static const char *const words[] = {"true", "false", "null", "0"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (begins(at, words[i]))
			return at + strlen(words[i]);
	if (*at < '1' || *at > '9')
		return behind_string(at);
	while (*at >= '0' && *at <= '9')
		at++;
	return at;
}

static enum package_type type_named(const char *value)
{
	return begins(value, "\"module\"") ? TYPE_MODULE : begins(value, "\"commonjs\"") ? TYPE_COMMONJS : TYPE_NONE;
}

enum package_type package_type(const char *text, size_t size)
{
	enum package_type found = TYPE_NONE;
	uint64_t objects = 0; /* A bit a level, the innermost lowest: whether it is an object's. */
	int level = 0;
	for (const char *at = behind_space(text);; at = behind_space(at)) {
		if (objects & 1) {
			bool is_type = level == 1 && begins(at, "\"type\"");
			at = behind_string(at);
			if (at == NULL || *(at = behind_space(at)) != ':')
				return TYPE_UNKNOWN;
			at = behind_space(at + 1);
			if (is_type)
				found = type_named(at); /* The last of them counts. */
		}
		if (*at == '{' || *at == '[') {
			char end = *at == '{' ? '}' : ']';
			at = behind_space(at + 1);
			if (*at != end) {
				if (level++ == MOST_LEVELS)
					return TYPE_UNKNOWN;
				objects = objects << 1 | (end == '}');
				continue;
			}
			at++;
		} else if ((at = behind_scalar(at)) == NULL)
			return TYPE_UNKNOWN;
		for (; level > 0 && *(at = behind_space(at)) != ','; level--, objects >>= 1)
			if (*at++ != ((objects & 1) ? '}' : ']'))
				return TYPE_UNKNOWN;
		if (level == 0)
			return behind_space(at) == text + size ? found : TYPE_UNKNOWN;
		at++;
	}
}
