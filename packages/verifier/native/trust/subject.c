/* Reads names by the rules of packages/core/src/pki/name-text.ts and name.ts. This file does not
 * normalize and compare two texts. It reads one attribute of the text after the other, and compares
 * each with that of the certificate. A space is U+0020 alone. */
#define _GNU_SOURCE
#include "subject.h"
#include "../shared/text/utf8.h"
#include <ctype.h>
#include <openssl/objects.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_VALUE = 1 << 13, /* a name in a certificate has at most 8 KiB */
	MAX_TYPE = 64,
};

/* These are the attributes that have a keyword. See ATTRIBUTE_NAMES in name.ts. */
static const struct {
	const char *type;
	const char *keyword;
} KEYWORDS[] = {
	{"2.5.4.3", "CN"},
	{"2.5.4.7", "L"},
	{"2.5.4.8", "ST"},
	{"2.5.4.10", "O"},
	{"2.5.4.11", "OU"},
	{"2.5.4.6", "C"},
	{"2.5.4.9", "street"},
	{"0.9.2342.19200300.100.1.25", "DC"},
	{"0.9.2342.19200300.100.1.1", "UID"},
	{"2.5.4.4", "SN"},
	{"2.5.4.5", "serialNumber"},
	{"2.5.4.12", "title"},
	{"2.5.4.13", "description"},
	{"2.5.4.15", "businessCategory"},
	{"2.5.4.17", "postalCode"},
	{"2.5.4.42", "GN"},
	{"2.5.4.97", "organizationIdentifier"},
	{"1.2.840.113549.1.9.1", "emailAddress"},
	{"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"},
	{"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"},
	{"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"},
};

/* Describes one attribute. A value that is not text, or whose type has no keyword, is an element in
 * DER. */
struct attribute {
	char type[MAX_TYPE]; /* an OID in decimal */
	bool is_element;
	uint8_t value[MAX_VALUE];
	size_t length;
};

/* Returns the OID for a text that is a keyword or an OID. Returns null for any other text.
 * `has_keyword` becomes true if the OID has a keyword. */
static const char *type_of(const char *text, size_t length, bool *has_keyword)
{
	static char type[MAX_TYPE];
	*has_keyword = true;
	for (size_t i = 0; i < sizeof KEYWORDS / sizeof *KEYWORDS; i++) {
		const char *keyword = KEYWORDS[i].keyword;
		const char *number = KEYWORDS[i].type;
		if ((strlen(keyword) == length && strncasecmp(keyword, text, length) == 0) ||
			(strlen(number) == length && strncmp(number, text, length) == 0))
			return number;
	}
	*has_keyword = false;
	if (length >= sizeof type || strspn(text, "0123456789.") != length)
		return NULL;
	snprintf(type, sizeof type, "%.*s", (int)length, text);
	const size_t end = length - 1;
	const bool is_dotted =
		strchr(type, '.') != NULL && *type != '.' && type[end] != '.' && strstr(type, "..") == NULL;
	return is_dotted ? type : NULL;
}

static const char *skip_spaces(const char *text)
{
	return text + strspn(text, " ");
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	const char lower = (char)tolower((unsigned char)digit);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool add_byte(struct attribute *attribute, int byte)
{
	if (attribute->length == sizeof attribute->value)
		return false;
	attribute->value[attribute->length] = (uint8_t)byte;
	attribute->length++;
	return true;
}

/* Reads the pairs of hexadecimal digits of a value that begins with `#`. */
static bool take_hex(struct attribute *attribute, const char *at, const char *end)
{
	attribute->is_element = true;
	if (at == end || (end - at) % 2 != 0)
		return false;
	for (; at < end; at += 2) {
		const int high = hex_digit(at[0]);
		const int low = hex_digit(at[1]);
		if (high < 0 || low < 0 || !add_byte(attribute, high << 4 | low))
			return false;
	}
	return true;
}

/* Reads a value in UTF-8. A backslash in the value stands before a character or before two
 * hexadecimal digits. */
static bool take_text(struct attribute *attribute, const char *at, const char *end)
{
	while (at < end) {
		int byte = (unsigned char)*at;
		if (*at == '\\') {
			const int high = hex_digit(at[1]);
			const int low = high < 0 || at + 2 >= end ? -1 : hex_digit(at[2]);
			byte = low < 0 ? (unsigned char)at[1] : high << 4 | low;
			at += low < 0 ? 1 : 2;
		}
		at++;
		if (!add_byte(attribute, byte))
			return false;
	}
	return is_utf8(attribute->value, attribute->length);
}

/* Returns the end of a value: the first separator or the end of the text. Returns null if the value
 * contains a character that must be escaped. `last` becomes the end of the value without the spaces
 * at its end. */
static const char *end_of_value(const char *at, const char **last)
{
	*last = at;
	while (*at != '\0' && *at != ',' && *at != '+') {
		if (strchr("\";<>", *at) != NULL || (*at == '\\' && at[1] == '\0'))
			return NULL;
		const bool is_space = *at == ' ';
		at += *at == '\\' ? 2 : 1;
		if (!is_space)
			*last = at;
	}
	return at;
}

/* Reads one attribute of the text, and returns the position of the separator behind it. Returns
 * null if the text does not begin with an attribute. */
static const char *take_attribute(const char *text, struct attribute *attribute)
{
	bool has_keyword;
	const char *start = skip_spaces(text);
	size_t length = 0;
	while (isalnum((unsigned char)start[length]) || start[length] == '.')
		length++;
	const char *type = length == 0 ? NULL : type_of(start, length, &has_keyword);
	const char *equals = skip_spaces(start + length);
	if (type == NULL || *equals != '=')
		return NULL;
	*attribute = (struct attribute){0};
	snprintf(attribute->type, sizeof attribute->type, "%s", type);
	const char *value = skip_spaces(equals + 1);
	const char *last;
	const char *end = end_of_value(value, &last);
	if (end == NULL)
		return NULL;
	const bool is_taken = *value == '#' ? take_hex(attribute, value + 1, last)
										: has_keyword && take_text(attribute, value, last);
	return is_taken ? end : NULL;
}

/* Reads a string of the certificate as text in UTF-8. Returns false if it is not valid text of its
 * type. T61String is read as Latin-1, because issuers write Latin-1 in it. */
static bool decode_string(const ASN1_STRING *string, struct attribute *attribute)
{
	const uint8_t *bytes = ASN1_STRING_get0_data(string);
	const size_t length = (size_t)ASN1_STRING_length(string);
	const int type = ASN1_STRING_type(string);
	if (type == V_ASN1_BMPSTRING || type == V_ASN1_T61STRING) {
		uint8_t *text = NULL;
		const int text_length = ASN1_STRING_to_UTF8(&text, string);
		for (int i = 0; i < text_length; i++) {
			if (!add_byte(attribute, text[i]))
				return false;
		}
		OPENSSL_free(text);
		return text_length >= 0 && is_utf8(attribute->value, attribute->length);
	}
	for (size_t i = 0; i < length; i++) {
		const bool is_text = type == V_ASN1_UTF8STRING || bytes[i] < 0x80;
		if (!is_text || !add_byte(attribute, bytes[i]))
			return false;
	}
	switch (type) {
	case V_ASN1_UTF8STRING:
		return is_utf8(attribute->value, attribute->length);
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_NUMERICSTRING:
	case V_ASN1_VISIBLESTRING:
		return true;
	default:
		return false;
	}
}

/* Reads an attribute of the certificate. Returns false if the attribute has no room in
 * `attribute`. */
static bool read_entry(const X509_NAME_ENTRY *entry, struct attribute *attribute)
{
	bool has_keyword;
	*attribute = (struct attribute){0};
	const int length = OBJ_obj2txt(attribute->type, MAX_TYPE, X509_NAME_ENTRY_get_object(entry), 1);
	if (length <= 0 || length >= MAX_TYPE)
		return false;
	type_of(attribute->type, (size_t)length, &has_keyword);
	const ASN1_STRING *string = X509_NAME_ENTRY_get_data(entry);
	if (has_keyword && decode_string(string, attribute))
		return true;
	uint8_t *element = NULL;
	const int element_length = i2d_ASN1_PRINTABLE(string, &element);
	attribute->is_element = true;
	attribute->length = 0;
	for (int i = 0; i < element_length; i++) {
		if (!add_byte(attribute, element[i]))
			return false;
	}
	OPENSSL_free(element);
	return element_length > 0;
}

static bool is_same(const struct attribute *a, const struct attribute *b)
{
	return strcmp(a->type, b->type) == 0 && a->is_element == b->is_element &&
		a->length == b->length && memcmp(a->value, b->value, a->length) == 0;
}

bool is_name_text(const char *text)
{
	static struct attribute attribute;
	for (;;) {
		text = take_attribute(text, &attribute);
		if (text == NULL || *text == '\0')
			return text != NULL;
		text++;
	}
}

/* Returns the position of the first attribute of the relative distinguished name to which the
 * attribute at `last` belongs. A relative distinguished name can have several attributes, whose
 * order is kept. */
static int first_of_part(const X509_NAME *name, int last)
{
	const int part = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, last));
	while (last > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, last - 1)) == part)
		last--;
	return last;
}

bool is_name(const X509_NAME *name, const char *text)
{
	static struct attribute given;
	static struct attribute found;
	int last = X509_NAME_entry_count(name) - 1;
	while (last >= 0) {
		const int first = first_of_part(name, last);
		for (int i = first; i <= last; i++) {
			text = take_attribute(text, &given);
			if (text == NULL || !read_entry(X509_NAME_get_entry(name, i), &found) ||
				!is_same(&given, &found))
				return false;
			const char separator = i < last ? '+' : first > 0 ? ',' : '\0';
			if (*text != separator)
				return false;
			text += separator == '\0' ? 0 : 1;
		}
		last = first - 1;
	}
	return *text == '\0';
}
