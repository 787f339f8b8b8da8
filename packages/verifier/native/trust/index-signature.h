/* Verifies the signatures over a trust index and over its policy, and decides who may sign them.
 *
 * The signature is CMS SignedData (RFC 5652) behind the content that it covers. Its signer must be
 * pinned in this program or by the host, and must not be on the deny list.
 * docs/reference/trust-index.md has the details. */
#ifndef SIGTOOL_INDEX_SIGNATURE_H
#define SIGTOOL_INDEX_SIGNATURE_H
#include "../shared/text/hex.h"
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The SHA-256 digests that identify an index and its signer, as hexadecimal in lower case, and the
 * end of the signer's certificate. */
struct index_digests {
	char index[SHA256_HEX + 1]; /* the digest of the whole file */
	char content[SHA256_HEX + 1]; /* the digest of the signed content */
	char signer[SHA256_HEX + 1]; /* the digest of the signer's SubjectPublicKeyInfo */
	time_t signer_end; /* the end of the signer's certificate, or 0 if it cannot be computed */
};

/* Ends the process if nobody may sign: there is no host configuration, and the program was built
 * without pins. */
void require_somebody(void);

/* Verifies the index in these `length` bytes: the content in the first `content_length` bytes, and
 * the signature over the content in the rest. Writes the digests. Those of index and content are
 * computed only if `digests->index` is empty: else they must be the digests of these bytes. Ends
 * the process if the signature or its signer cannot be trusted. Must be called only once in a
 * process. */
void verify_index(
	const uint8_t *bytes, size_t content_length, size_t length, struct index_digests *digests);

/* Verifies that a policy signer of the host signed this policy document of `length` bytes. The
 * signature is CMS SignedData in hexadecimal, as is_hex() accepts it. Ends the process if the
 * signature or its signer cannot be trusted. Must be called after verify_index(). */
void verify_policy(const char *document, size_t length, const char *signature_hex);

#endif
