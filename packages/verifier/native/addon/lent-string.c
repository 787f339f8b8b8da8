/* Texts of megabytes are not copied: V8 reads them where they are until it collects the string.
 *
 * Bounded, as V8 does not know this memory to be large. Telling it (by
 * napi_adjust_external_memory) makes it collect at once, which takes longer than the copy. */
#include "lent-string.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Smaller texts are copied, and all are when so much is lent. */
enum { MIN_LENT_BYTES = 1 << 20, MAX_LENT_BYTES = 64 << 20 };

/* Bytes that strings of all threads use now. */
static _Atomic size_t lent;

static void take_back(napi_env env, void *text, void *size)
{
	(void)env;
	lent -= (uintptr_t)size;
	free(text);
}

static bool is_lendable(size_t size, bool is_ascii)
{
	return is_ascii && size >= MIN_LENT_BYTES && lent + size <= MAX_LENT_BYTES;
}

/* Returns false where V8 did not take the text. Otherwise the text is V8's, or was freed by
 * take_back() after V8 had copied it. */
static bool lend(napi_env env, char *text, size_t size, napi_value *string)
{
	bool is_copied;
	lent += size;
	const int status = node_api_create_external_string_latin1(
		env, text, size, take_back, (void *)size, string, &is_copied);
	if (status == 0)
		return true;
	lent -= size;
	return false;
}

napi_value string_of(napi_env env, char *text, size_t size, bool is_ascii)
{
	napi_value string = NULL;
	if (is_lendable(size, is_ascii)) {
		const bool is_lent = lend(env, text, size, &string);
		if (is_lent)
			return string;
	} else if (is_ascii)
		napi_create_string_latin1(env, text, size, &string);
	else
		napi_create_string_utf8(env, text, size, &string);
	free(text);
	return string;
}
