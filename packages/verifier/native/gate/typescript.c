/* Knows the text that Node.js makes of a signed TypeScript file.
 *
 * Node.js removes the types and appends a comment with the file's name. The index names the text
 * before the comment, or that text is the content of the TypeScript file itself. */
#include "../shared/digest/sha256.h"
#include "gate.h"
#include <string.h>

/* Returns the length of the text before `\n\n//# sourceURL=NAME`, or its whole length if it does
 * not end like that. Node.js appends this comment to TypeScript whose types it has removed. NAME
 * must hold no end of a line, so that everything behind the length is the comment. A signed text
 * may end inside of a template literal or a comment, so NAME must hold no end of these either. The
 * two line feeds end all others. */
static size_t length_before_name(const char *bytes, size_t length)
{
	static const char BEGINNING[] = "\n\n//# sourceURL=";
	static const char *const ENDS[] = {"\n", "\r", "\xe2\x80\xa8", "\xe2\x80\xa9", "`", "*/"};
	enum { LONGEST = 4096 };
	const size_t beginning = sizeof BEGINNING - 1;
	for (size_t name = 0; name <= LONGEST && name + beginning <= length; name++) {
		const char *rest = bytes + length - name;
		for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
			const size_t end = strlen(ENDS[i]);
			if (name >= end && memcmp(rest, ENDS[i], end) == 0)
				return length;
		}
		if (memcmp(rest - beginning, BEGINNING, beginning) == 0)
			return length - name - beginning;
	}
	return length;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text);
	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static bool is_typescript(const char *path)
{
	return path != NULL &&
		(ends_with(path, ".ts") || ends_with(path, ".mts") || ends_with(path, ".cts"));
}

/* There is one comment, or two where CommonJS is imported. The text before must be that of
 * TypeScript, because Node.js appends the comment to no other text. */
bool is_typescript_named(const void *string, const char *path)
{
	enum { MOST_NAMES = 2 };
	struct text text = copy_text_or_end(string);
	bool is_signed = false;
	for (int i = 0; i < MOST_NAMES && !is_signed; i++) {
		uint8_t digest[SHA256_BYTES];
		const size_t before = length_before_name(text.bytes, text.length);
		if (before == text.length)
			break;
		text.length = before;
		sha256_bytes(text.bytes, text.length, digest);
		is_signed = is_named_text(is_typescript(path) ? path : NULL, digest);
	}
	free_copy(text.bytes);
	return is_signed;
}

/* An index has no texts without types if the sigtool that compiled it was older than the gate, or
 * could not remove types. */
const char *advice_on_typescript(const char *path)
{
	return is_typescript(path)
		? "if this is TypeScript, the index may lack its text without types: compile "
		  "it with --strip-types-with"
		: NULL;
}
