/* Knows each form that a value of settings can have.
 *
 * Guarantees that a value is accepted exactly if core's packages/core/src/trust/shape.ts accepts
 * it. Nothing is looked up: a path need not exist, and a day in February may be the 29th of any
 * year. */
#include "value-forms.h"
#include "../process/environment.h"
#include "../text/hex.h"
#include "../text/words.h"
#include <string.h>

/* Returns true if a text in UTF-8 is not empty and has no control characters. U+0080 to U+009F
 * begin with the byte 0xc2. */
static bool is_line(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c < ' ' || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
			return false;
	}
	return *text != '\0';
}

static bool is_path(const char *text)
{
	if (*text != '/' || !is_line(text))
		return false;
	if (text[1] == '\0')
		return true;
	while (*text == '/') {
		const char *step = text + 1;
		const size_t length = strcspn(step, "/");
		const bool leads_nowhere = strspn(step, ".") == length && length <= 2; /* "", "." or ".." */
		if (leads_nowhere)
			return false;
		text = step + length;
	}
	return true;
}

static bool is_root(const char *text)
{
	const char letter = (char)(*text | 0x20);
	const bool has_drive = letter >= 'a' && letter <= 'z' && text[1] == ':';
	return *text == '/' || (has_drive && (text[2] == '/' || text[2] == '\\')) ||
		strncmp(text, "\\\\", 2) == 0;
}

/* Returns true if the text consists of words with dots between them. */
static bool is_dotted(const char *text)
{
	static const char WORD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	for (;;) {
		const size_t length = strspn(text, WORD);
		if (length == 0)
			return false;
		text += length;
		if (*text == '\0')
			return true;
		if (*text != '.')
			return false;
		text++;
	}
}

/* Returns true if the text is a relative path with `*` and `**`. */
static bool is_glob(const char *text)
{
	if (!is_line(text))
		return false;
	for (;;) {
		const size_t length = strcspn(text, "/");
		const bool leads_nowhere = strspn(text, ".") == length && length <= 2; /* "", "." or ".." */
		const char *stars = strstr(text, "**");
		const bool has_stars = stars != NULL && stars < text + length;
		if (leads_nowhere || (has_stars && length != 2))
			return false;
		text += length;
		if (*text == '\0')
			return true;
		text++;
	}
}

static bool is_file_name(const char *text)
{
	return is_line(text) && strchr(text, '/') == NULL && strcmp(text, ".") != 0 &&
		strcmp(text, "..") != 0;
}

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_label(const char *text)
{
	static const char REST[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const size_t length = strspn(text, REST);
	return text[length] == '\0' && length <= 64 && strspn(text, LETTERS) > 0;
}

/* Returns the text behind a value of a name, or NULL if the value has an unescaped special
 * character, or a space at an end. */
static const char *behind_value(const char *text)
{
	bool ends_with_space = false;
	if (*text == ' ')
		return NULL;
	while (*text != '\0' && *text != ',' && *text != '+') {
		if (strchr("\";<>", *text) != NULL || (text[0] == '\\' && text[1] == '\0'))
			return NULL;
		ends_with_space = *text == ' ';
		text += *text == '\\' ? 2 : 1;
	}
	return ends_with_space ? NULL : text;
}

/* Returns true if the text is a name of RFC 4514 without spaces around its separators. */
static bool is_subject(const char *text)
{
	if (!is_line(text))
		return false;
	for (;;) {
		const size_t letters = strspn(text, LETTERS);
		const size_t length = letters > 0 ? letters : strspn(text, "0123456789.");
		if (length == 0 || text[length] != '=')
			return false;
		text = behind_value(text + length + 1);
		if (text == NULL || *text == '\0')
			return text != NULL;
		text++;
	}
}

/* Returns true if the texts have the same length, and a digit at each place where `form` has a 0.
 */
static bool has_form(const char *text, const char *form)
{
	for (; *form != '\0'; form++, text++) {
		const bool is_right = *form == '0' ? *text >= '0' && *text <= '9' : *text == *form;
		if (!is_right)
			return false;
	}
	return *text == '\0';
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

/* Returns true if the text is a day, or a time in UTC. In any year February has 29 days. */
static bool is_time(const char *text)
{
	static const int DAYS[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool is_day = has_form(text, "0000-00-00");
	if (!is_day && !has_form(text, "0000-00-00T00:00:00Z"))
		return false;
	const int month = two_digits(text + 5);
	const int day = two_digits(text + 8);
	if (month < 1 || month > 12 || day < 1 || day > DAYS[month])
		return false;
	return is_day ||
		(two_digits(text + 11) < 24 && two_digits(text + 14) < 60 && two_digits(text + 17) < 60);
}

static bool is_url(const char *text)
{
	static const char *const BEGINNINGS[] = {"https://", "http://"};
	for (size_t i = 0; i < sizeof BEGINNINGS / sizeof *BEGINNINGS; i++) {
		const size_t length = strlen(BEGINNINGS[i]);
		const char *rest = text + length;
		if (strncmp(text, BEGINNINGS[i], length) != 0 || *rest == '\0')
			continue;
		while (*rest > ' ' && *rest <= '~')
			rest++;
		return *rest == '\0';
	}
	return false;
}

bool fits(const struct member *member, const struct json *value)
{
	const bool is_text = value->kind == JSON_STRING;
	const bool is_number = value->kind == JSON_NUMBER;
	switch (member->kind) {
	case IS_ANY:
		return true;
	case IS_DIGEST:
		return is_text && is_sha256_hex(value->text);
	case IS_EVENT:
		return is_text && (strcmp(value->text, "*") == 0 || is_dotted(value->text));
	case IS_FILENAME:
		return is_text && is_file_name(value->text);
	case IS_GLOB:
		return is_text && is_glob(value->text);
	case IS_HEX:
		return is_text && is_hex(value->text);
	case IS_LABEL:
		return is_text && is_label(value->text);
	case IS_SUBJECT:
		return is_text && is_subject(value->text);
	case IS_TIME:
		return is_text && is_time(value->text);
	case IS_URL:
		return is_text && is_url(value->text);
	case IS_LINE:
		return is_text && is_line(value->text);
	case IS_DOTTED:
		return is_text && is_dotted(value->text);
	case IS_NUMBER:
		return is_number && value->number >= member->least && value->number <= member->most;
	case IS_OBJECT:
		return value->kind == JSON_OBJECT;
	case IS_PATH:
		return is_text && is_path(value->text);
	case IS_ROOT:
		return is_text && is_root(value->text);
	case IS_SWITCH:
		return value->kind == JSON_TRUE || value->kind == JSON_FALSE;
	case IS_TEXT:
		return is_text && *value->text != '\0';
	case IS_TRUE:
		return value->kind == JSON_TRUE;
	case IS_VARIABLE:
		return is_text && is_variable(value->text);
	case IS_VERSION:
		return is_number && value->number == 1;
	case IS_WORD:
		return is_text && word_index(value->text, member->words) >= 0;
	}
	return false;
}
