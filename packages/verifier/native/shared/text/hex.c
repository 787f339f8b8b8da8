/* Guarantees that only digits in lower case are written or accepted. */
#include "hex.h"
#include <string.h>

static const char DIGITS[] = "0123456789abcdef";

void to_hex(const uint8_t digest[SHA256_BYTES], char hex[SHA256_HEX + 1])
{
	for (int i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = DIGITS[digest[i] >> 4];
		hex[2 * i + 1] = DIGITS[digest[i] & 15];
	}
	hex[SHA256_HEX] = '\0';
}

bool is_sha256_hex(const char *text)
{
	return strlen(text) == SHA256_HEX && strspn(text, DIGITS) == SHA256_HEX;
}

bool is_hex(const char *text)
{
	const size_t length = strlen(text);
	return length > 0 && length % 2 == 0 && strspn(text, DIGITS) == length;
}

static uint8_t value_of_digit(char digit)
{
	return (uint8_t)(strchr(DIGITS, digit) - DIGITS);
}

size_t from_hex(const char *text, uint8_t *bytes)
{
	size_t length = 0;
	for (; *text != '\0'; text += 2)
		bytes[length++] = (uint8_t)(value_of_digit(text[0]) << 4 | value_of_digit(text[1]));
	return length;
}
