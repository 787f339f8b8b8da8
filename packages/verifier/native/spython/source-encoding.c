/* Judges the encoding that a text of Python declares in its first two lines (PEP 263).
 *
 * Guarantees that what is accepted is decoded by CPython in C, never by a codec that a program
 * could register or exchange. */
#include "source-encoding.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Returns true if the name is that of an encoding which CPython decodes in C. After a dash CPython
 * lets some of these names have any ending (PEP 263). With an ending, the others are names of
 * codecs that a program could register. */
static bool is_fixed(const char *name, size_t length)
{
	static const char *const FIXED[] = {"utf8", "latin1", "ascii", "us-ascii"};
	static const char *const WITH_ENDINGS[] = {
		"utf-8", "utf_8", "latin-1", "latin_1", "iso-8859-1", "iso_8859_1"};
	for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++) {
		if (strlen(FIXED[i]) == length && strncasecmp(name, FIXED[i], length) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof WITH_ENDINGS / sizeof *WITH_ENDINGS; i++) {
		const size_t fixed = strlen(WITH_ENDINGS[i]);
		const bool begins = length >= fixed && strncasecmp(name, WITH_ENDINGS[i], fixed) == 0;
		if (begins && (length == fixed || name[fixed] == '-' || name[fixed] == '_'))
			return true;
	}
	return false;
}

/* Returns true if the line names no encoding, or one of those above. The form is that of PEP 263,
 * but without regard to what stands before. */
static bool is_fixed_line(const char *line, size_t length)
{
	static const char CODING[] = "coding";
	const char *end = line + length;
	for (const char *at = line; at + sizeof CODING < end; at++) {
		if (strncmp(at, CODING, sizeof CODING - 1) != 0)
			continue;
		const char *name = at + sizeof CODING - 1;
		if (*name != ':' && *name != '=')
			continue;
		name++;
		name += strspn(name, " \t");
		const size_t name_bytes =
			strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
		if (name_bytes > 0 && !is_fixed(name, name_bytes))
			return false;
	}
	return true;
}

bool is_in_fixed_encoding(const char *text)
{
	for (int line = 0; line < 2; line++) {
		const size_t length = strcspn(text, "\r\n");
		const char *comment = memchr(text, '#', length);
		if (comment != NULL && !is_fixed_line(comment, length - (size_t)(comment - text)))
			return false;
		text += length;
		text += strncmp(text, "\r\n", 2) == 0 ? 2 : *text != '\0';
	}
	return true;
}
