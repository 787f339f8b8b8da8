/* Copies a text to judge it, and keeps the characters of a text as they were judged for as long as
 * V8 reads them. Ends the process where either is impossible, because a text that cannot be judged
 * cannot be compiled. */
#include "gate.h"
#include "verified-texts.h"

struct text copy_text_or_end(const void *string)
{
	struct text text;
	if (!copy_text(string, &text))
		end_intrusion(&(struct finding){.kind = "text without memory"});
	return text;
}

/* V8 compiles most functions only when they are called, and then reads their text again. Text
 * outside of its heap is in memory of libc. There Node.js may still write for a buffer that had
 * this memory before, and that the program gave away meanwhile. */
const void *keep_text_or_end(const void *string)
{
	const void *kept = keep_text(string);
	if (kept == NULL)
		end_intrusion(&(struct finding){.kind = "text without memory"});
	if (!has_own_characters(kept) && verified_text_of(kept) == NULL)
		end_intrusion(&(struct finding){.kind = "text outside of V8's heap",
			.size = string_length(kept),
			.detail = "a long text that is the name of a member cannot be compiled"});
	return kept;
}
