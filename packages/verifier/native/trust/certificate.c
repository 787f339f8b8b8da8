/* Guarantees that packages/core/src/pki/certificate-checks.ts accepts everything that this file
 * accepts. The functions that return a fault have no effects, so a caller may use them in any
 * order. */
#define _GNU_SOURCE
#include "certificate.h"
#include "trust.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <string.h>

static const uint8_t BYTE_ORDER_MARK[3] = {0xef, 0xbb, 0xbf};

enum {
	MIN_RSA_BITS = 2048,
	MAX_RSA_BITS = 8192, /* a larger key makes a check slow */
	MAX_EXPONENT_BITS = 32,
	UNCOMPRESSED_POINT = 4, /* the first byte of the only form of a point that is accepted */
};

/* The extensions that may be critical. See APPLIED in packages/core/src/pki/extensions.ts. */
static const int APPLIED[] = {
	NID_key_usage,
	NID_subject_alt_name,
	NID_basic_constraints,
	NID_name_constraints,
	NID_certificate_policies,
	NID_policy_mappings,
	NID_ext_key_usage,
	NID_inhibit_any_policy,
};

X509 *read_certificate(const char *path)
{
	size_t length;
	const uint8_t *bytes = (const uint8_t *)read_trusted(path, MAX_HOST_BYTES, &length);
	const uint8_t *end = bytes + length;
	if (length > 0 && bytes[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) {
		X509 *certificate = d2i_X509(NULL, &bytes, (long)length);
		return bytes == end ? certificate : NULL;
	}
	if (length >= sizeof BYTE_ORDER_MARK && memcmp(bytes, BYTE_ORDER_MARK, 3) == 0)
		bytes += sizeof BYTE_ORDER_MARK;
	BIO *text = BIO_new_mem_buf(bytes, (int)(end - bytes));
	X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
	X509 *another = PEM_read_bio_X509(text, NULL, NULL, NULL);
	return another == NULL ? certificate : NULL;
}

/* Writes the SHA-256 of the bytes. Returns false if `length` is not positive or libcrypto fails. */
static bool digest(const uint8_t *bytes, int length, char hex[SHA256_HEX + 1])
{
	uint8_t result[SHA256_BYTES];
	if (length <= 0 || EVP_Digest(bytes, (size_t)length, result, NULL, EVP_sha256(), NULL) != 1)
		return false;
	to_hex(result, hex);
	return true;
}

/* Returns the length of the part of a certificate that is signed, and sets `at` to its first byte.
 * This part is the first element of the certificate. Returns 0 if the part is not found. */
static int signed_part(const uint8_t **at, int whole_length)
{
	long length;
	int tag;
	int class;
	const uint8_t *end = *at + whole_length;
	if (ASN1_get_object(at, &length, &tag, &class, whole_length) & 0x80)
		return 0;
	const uint8_t *inside = *at;
	if (ASN1_get_object(&inside, &length, &tag, &class, end - inside) & 0x80)
		return 0;
	return (int)(inside + length - *at);
}

/* The digests by which a deny list can name a certificate. */
struct certificate_digests {
	char key[SHA256_HEX + 1];
	char whole[SHA256_HEX + 1];
	char part[SHA256_HEX + 1];
};

/* Returns false if a digest cannot be computed. */
static bool digest_certificate(X509 *certificate, struct certificate_digests *digests)
{
	/* Both buffers contain DER. They are never freed. */
	uint8_t *key = NULL;
	uint8_t *whole = NULL;
	const int key_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	const int whole_length = i2d_X509(certificate, &whole);
	const uint8_t *part = whole;
	if (!digest(key, key_length, digests->key) || !digest(whole, whole_length, digests->whole))
		return false;
	const int part_length = signed_part(&part, whole_length);
	return digest(part, part_length, digests->part);
}

const char *denied_certificate(X509 *certificate)
{
	struct certificate_digests digests;
	const bool is_digested = digest_certificate(certificate, &digests);
	if (!is_digested)
		return "it cannot be digested";
	const char *reason = denied("key", digests.key);
	if (reason == NULL)
		reason = denied("certificate", digests.whole);
	return reason == NULL ? denied("certificate", digests.part) : reason;
}

void rest_on_certificate(enum ground_of of, X509 *certificate)
{
	struct certificate_digests digests;
	const bool is_digested = digest_certificate(certificate, &digests);
	if (!is_digested)
		fail(UNDECIDED, "ERR_INTERNAL", "Cannot digest a certificate: libcrypto failed");
	rest_on(of, "key", digests.key);
	rest_on(of, "certificate", digests.whole);
	rest_on(of, "certificate", digests.part);
}

void end_with(enum end_of of, X509 *certificate)
{
	struct tm calendar;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &calendar) != 1)
		fail(REFUSED, "ERR_CERTIFICATE_FORMAT", "Cannot read the end of a certificate");
	const time_t end = timegm(&calendar);
	end_at(of, end < 0 ? 0 : (uint64_t)end * 1000);
}

bool has_unknown_critical(const X509 *certificate)
{
	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);
		const int name = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
		bool is_applied = false;
		for (size_t j = 0; j < sizeof APPLIED / sizeof *APPLIED; j++)
			is_applied = is_applied || APPLIED[j] == name;
		if (X509_EXTENSION_get_critical(extension) && !is_applied)
			return true;
	}
	return false;
}

/* Returns true for an RSA key with numbers that packages/core/src/pki/certificate.ts refuses. For
 * example, if the exponent is 1, a signature equals the padded digest. Anyone can write such a
 * signature, and libcrypto accepts it. RFC 8017, 3.1. */
static bool is_degenerate(const EVP_PKEY *key)
{
	BIGNUM *modulus = NULL;
	BIGNUM *exponent = NULL;
	const bool is_sound = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(modulus) &&
		BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= MAX_EXPONENT_BITS;
	BN_free(modulus);
	BN_free(exponent);
	return !is_sound;
}

static const char *fault_of_rsa(const X509 *certificate, const X509_ALGOR *algorithm)
{
	const EVP_PKEY *key = X509_get0_pubkey(certificate);
	if (key == NULL || algorithm->parameter == NULL || algorithm->parameter->type != V_ASN1_NULL ||
		is_degenerate(key))
		return "ERR_CERTIFICATE_FORMAT";
	const int bits = EVP_PKEY_get_bits(key);
	return bits < MIN_RSA_BITS || bits > MAX_RSA_BITS ? "ERR_WEAK_KEY" : NULL;
}

static const char *fault_of_curve(
	const X509 *certificate, const X509_ALGOR *algorithm, const uint8_t *point, int length)
{
	if (algorithm->parameter == NULL || algorithm->parameter->type != V_ASN1_OBJECT)
		return "ERR_WEAK_KEY";
	if (length < 1 || *point != UNCOMPRESSED_POINT)
		return "ERR_CERTIFICATE_FORMAT";
	switch (OBJ_obj2nid(algorithm->parameter->value.object)) {
	case NID_X9_62_prime256v1:
	case NID_secp384r1:
	case NID_secp521r1:
		return X509_get0_pubkey(certificate) == NULL ? "ERR_CERTIFICATE_FORMAT" : NULL;
	default:
		return "ERR_WEAK_KEY";
	}
}

const char *fault_of_key(const X509 *certificate)
{
	const uint8_t *bits;
	int length;
	X509_ALGOR *algorithm;
	ASN1_OBJECT *type;
	X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);
	if (X509_PUBKEY_get0_param(&type, &bits, &length, &algorithm, key) != 1)
		return "ERR_CERTIFICATE_FORMAT";
	switch (OBJ_obj2nid(type)) {
	case NID_rsaEncryption:
		return fault_of_rsa(certificate, algorithm);
	case NID_X9_62_id_ecPublicKey:
		return fault_of_curve(certificate, algorithm, bits, length);
	default:
		return "ERR_WEAK_KEY";
	}
}

const char *fault_of_algorithm(const X509 *certificate)
{
	const X509_ALGOR *algorithm;
	X509_get0_signature(NULL, &algorithm, certificate);
	const int parameters = algorithm->parameter == NULL ? V_ASN1_UNDEF : algorithm->parameter->type;
	switch (OBJ_obj2nid(algorithm->algorithm)) {
	case NID_sha256WithRSAEncryption:
	case NID_sha384WithRSAEncryption:
	case NID_sha512WithRSAEncryption:
		/* RFC 4055 demands NULL, and old issuers leave it out. */
		if (parameters == V_ASN1_NULL || parameters == V_ASN1_UNDEF)
			return NULL;
		return "ERR_UNSUPPORTED_ALGORITHM";
	case NID_ecdsa_with_SHA256:
	case NID_ecdsa_with_SHA384:
	case NID_ecdsa_with_SHA512:
		return parameters == V_ASN1_UNDEF ? NULL : "ERR_UNSUPPORTED_ALGORITHM";
	case NID_sha1WithRSAEncryption:
	case NID_sha1WithRSA:
	case NID_ecdsa_with_SHA1:
	case NID_md5WithRSAEncryption:
	case NID_md4WithRSAEncryption:
	case NID_md2WithRSAEncryption:
		return "ERR_WEAK_DIGEST";
	default:
		return "ERR_UNSUPPORTED_ALGORITHM";
	}
}
