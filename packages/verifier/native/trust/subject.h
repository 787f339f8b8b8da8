/* Compares the subject of a certificate with a name that a person wrote (RFC 4514). */
#ifndef SIGTOOL_SUBJECT_H
#define SIGTOOL_SUBJECT_H
#include <openssl/x509.h>
#include <stdbool.h>

/* Returns true if the text is a name that a certificate can have, such as `CN=Release,O=Example`.
 */
bool is_name_text(const char *text);

/* Returns true if the text is exactly this name: the same types and values in the same order, most
 * specific part first. Upper or lower case of a type, spaces around separators and needless escapes
 * do not matter. */
bool is_name(const X509_NAME *name, const char *text);

#endif
