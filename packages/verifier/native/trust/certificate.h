/* Reads certificates of the host configuration, and checks certificates by the rules of
 * packages/core/src/pki, where these are stricter than those of libcrypto. */
#ifndef SIGTOOL_CERTIFICATE_H
#define SIGTOOL_CERTIFICATE_H
#include "trust.h"
#include <openssl/x509v3.h>
#include <stdbool.h>

enum {
	SECURITY_LEVEL = 2, /* see SSL_CTX_set_security_level(3): at least 112 bits, and no SHA-1 */
	ISSUES_CERTIFICATES = 1, /* a result of X509_check_ca(): basicConstraints has CA:TRUE */
};

/* Reads the one certificate in a file in PEM or DER. Returns null if the file does not contain
 * exactly one. Ends the process if anybody but root, and in development the user, could have
 * written the file. */
X509 *read_certificate(const char *path);

/* Returns the reason if the deny list names the certificate, the part of it that is signed, or its
 * key, or if their digests cannot be computed. Otherwise returns null. */
const char *denied_certificate(X509 *certificate);

/* Notes that a denial of the certificate or of its key counts, as rest_on() does. */
void rest_on_certificate(enum ground_of of, X509 *certificate);

/* Notes the end of the certificate, as end_at() does. */
void end_with(enum end_of of, X509 *certificate);

/* Returns true if the certificate has a critical extension that the rules do not apply. */
bool has_unknown_critical(const X509 *certificate);

/* Returns null if the key is of a type and size that is accepted: RSA from 2048 to 8192 bits, or a
 * named curve of P-256, P-384 and P-521, each in the one encoding that is accepted. Otherwise
 * returns the code of the error. */
const char *fault_of_key(const X509 *certificate);

/* Returns null if the certificate is signed with RSA (PKCS #1) or ECDSA, and with a SHA-2 digest of
 * at least 256 bits. Otherwise returns the code of the error. */
const char *fault_of_algorithm(const X509 *certificate);

#endif
