/* Makes strings, and bounds the memory that they use outside of V8. A large text is lent instead of
 * copied: V8 reads it in place until it collects the string. The strings of all threads use at most
 * MAX_LENT_BYTES of such memory. Threads that lend at the same moment may exceed this bound by one
 * text each.
 *
 * The bound is needed because V8 does not count this memory. Telling V8 about it, by
 * napi_adjust_external_memory(), would make V8 collect at once, which takes longer than the
 * copy. */
#include "lent-string.h"
#include <stdatomic.h>
#include <stdlib.h>

/* A text that is smaller than MIN_LENT_BYTES is copied. So is a text with which MAX_LENT_BYTES
 * would be exceeded. */
enum { MIN_LENT_BYTES = 1 << 20, MAX_LENT_BYTES = 64 << 20 };

/* The number of bytes that are lent to strings of all threads now. */
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

/* Returns false if V8 did not accept the text. If the function returns true, V8 uses the text in
 * place, or V8 has copied the text and has called take_back(), which freed it. */
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
