/* Guarantees that only 64 digits in lower case are written or accepted. */
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
