/* Judges the timestamps of a trust index. These are RFC 3161 tokens over the index's signature, by
 * authorities that the host configuration names. A verified token proves that the signature existed
 * at the token's time. So the signer's certificate is judged for that time instead of the present
 * time.
 *
 * Tokens are unsigned attributes, which anybody can add and remove. So an index is not refused
 * because of a token that cannot be verified. Such a token proves nothing. */
#define _GNU_SOURCE
#include "timestamp.h"
#include "certificate.h"
#include "trust.h"
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

static const char TOKEN_OID[] = "1.3.6.1.4.1.311.3.3.1";
static const char LIFETIME_SIGNING_OID[] = "1.3.6.1.4.1.311.10.3.13";

enum {
	MAX_TIMESTAMPS = 8, /* the largest number of tokens that are judged in one index */
	IS_OLD_ROOT = 3, /* a result of X509_check_ca(): version 1 and self-signed */
};

/* Returns the certificate of a timestamping authority. Ends the process in these cases: the file
 * does not contain exactly one certificate, the certificate is not that of an authority, or
 * somebody else than root, and in development the user, could have written the file. */
static X509 *read_authority(const char *path)
{
	X509 *certificate = read_certificate(path);
	const int kind = certificate == NULL ? 0 : X509_check_ca(certificate);
	if (kind != ISSUES_CERTIFICATES && kind != IS_OLD_ROOT)
		fail(REFUSED, "ERR_HOST_CONFIG",
			"Cannot use \"%s\": it is not one certificate of an authority; name the root that the "
			"issuer of the timestamping certificate leads to",
			path);
	return certificate;
}

/* Returns a store with the authorities of the host configuration that are not on the deny list, and
 * with the rules for certificate chains to them. */
static X509_STORE *open_authorities(void)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *rules_of_chains = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_purpose(rules_of_chains, X509_PURPOSE_TIMESTAMP_SIGN);
	X509_VERIFY_PARAM_set_auth_level(rules_of_chains, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_flags(rules_of_chains, X509_V_FLAG_PARTIAL_CHAIN);
	EACH(authority, rules.timestamp_authorities) {
		X509 *certificate = read_authority(json_member(authority, "certificate")->text);
		if (denied_certificate(certificate) != NULL)
			continue;
		X509_STORE_add_cert(store, certificate);
		rest_on_certificate(OF_TIMESTAMP, certificate);
	}
	return store;
}

/* Returns the hash function for a NID of SHA-256, SHA-384 or SHA-512. Returns null for any other
 * NID. */
static const EVP_MD *digest_by(int algorithm)
{
	switch (algorithm) {
	case NID_sha256:
		return EVP_sha256();
	case NID_sha384:
		return EVP_sha384();
	case NID_sha512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/* Returns true if the imprint in `info` is a SHA-256, SHA-384 or SHA-512 digest of the signature.
 * RFC 3161, 2.4.2. */
static bool is_over(TS_TST_INFO *info, const ASN1_OCTET_STRING *signature)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	const ASN1_OCTET_STRING *found = TS_MSG_IMPRINT_get_msg(imprint);
	const ASN1_OBJECT *algorithm;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length;
	X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
	const EVP_MD *type = digest_by(OBJ_obj2nid(algorithm));
	if (type == NULL)
		return false;
	const uint8_t *signed_bytes = ASN1_STRING_get0_data(signature);
	const size_t signed_length = (size_t)ASN1_STRING_length(signature);
	if (EVP_Digest(signed_bytes, signed_length, digest, &length, type, NULL) != 1)
		return false;
	return ASN1_STRING_length(found) == (int)length &&
		memcmp(ASN1_STRING_get0_data(found), digest, length) == 0;
}

/* Returns the TSTInfo of a token, or null if it has none. The signature of the token is not
 * verified by this function. */
static TS_TST_INFO *info_of(CMS_ContentInfo *token)
{
	const ASN1_OBJECT *type = CMS_get0_eContentType(token);
	ASN1_OCTET_STRING **content = CMS_get0_content(token);
	if (type == NULL || OBJ_obj2nid(type) != NID_id_smime_ct_TSTInfo || content == NULL ||
		*content == NULL || sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(token)) != 1)
		return NULL;
	const uint8_t *der = ASN1_STRING_get0_data(*content);
	const uint8_t *end = der + ASN1_STRING_length(*content);
	TS_TST_INFO *info = d2i_TS_TST_INFO(NULL, &der, end - der);
	return der == end ? info : NULL;
}

/* Returns true if a certificate in the token, or the key of one, is on the deny list. */
static bool has_denied(CMS_ContentInfo *token)
{
	STACK_OF(X509) *certificates = CMS_get1_certs(token);
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		if (denied_certificate(sk_X509_value(certificates, i)) != NULL)
			return true;
	}
	return false;
}

/* Returns true if the key of the certificate signed the token. The caller has verified the
 * signature of the token. */
static bool is_by_key_of(CMS_ContentInfo *token, X509 *certificate)
{
	STACK_OF(X509) *signers = CMS_get0_signers(token);
	for (int i = 0; i < sk_X509_num(signers); i++) {
		const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(signers, i));
		if (EVP_PKEY_eq(key, X509_get0_pubkey(certificate)) == 1)
			return true;
	}
	return false;
}

/* Returns the time, in seconds since 1970, at which a token proves that `signature` existed.
 * Returns -1 if the token proves nothing. The token must contain the certificate of its signer.
 * `certificate` is that of the index's signer. Its key must not have signed the token, because then
 * the signer of the index could choose any time. */
static time_t time_of(CMS_ContentInfo *token, const ASN1_OCTET_STRING *signature, X509 *certificate,
	X509_STORE *authorities)
{
	struct tm calendar;
	TS_TST_INFO *info = info_of(token);
	if (info == NULL || TS_TST_INFO_get_version(info) != 1 || !is_over(info, signature) ||
		ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &calendar) != 1 || has_denied(token))
		return -1;
	const time_t time = timegm(&calendar);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(authorities), time);
	/* CMS_CADES makes CMS_verify() demand a signed attribute that identifies the certificate of the
	 * token's signer. RFC 3161, 2.4.1. */
	const unsigned flags = CMS_BINARY | CMS_CADES;
	if (CMS_verify(token, NULL, authorities, NULL, NULL, flags) != 1)
		return -1;
	if (is_by_key_of(token, certificate))
		return -1;
	STACK_OF(X509) *certificates = CMS_get1_certs(token);
	for (int i = 0; i < sk_X509_num(certificates); i++)
		rest_on_certificate(OF_TIMESTAMP, sk_X509_value(certificates, i));
	return time;
}

/* Returns true if the certificate has the extended key usage "lifetime signing" of Microsoft.
 * Signatures by such a certificate are not valid after its end, even if they have a timestamp. */
static bool is_for_lifetime_signing(X509 *certificate)
{
	const ASN1_OBJECT *lifetime = OBJ_txt2obj(LIFETIME_SIGNING_OID, 1);
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		if (OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), lifetime) == 0)
			return true;
	}
	return false;
}

/* Returns the token in the value of the attribute that has this index. Returns null if it is not a
 * token. */
static CMS_ContentInfo *token_in(X509_ATTRIBUTE *attribute, int number)
{
	const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, number);
	if (value == NULL || value->type != V_ASN1_SEQUENCE)
		return NULL;
	const uint8_t *der = ASN1_STRING_get0_data(value->value.sequence);
	const uint8_t *end = der + ASN1_STRING_length(value->value.sequence);
	CMS_ContentInfo *token = d2i_CMS_ContentInfo(NULL, &der, end - der);
	const bool is_signed = token != NULL && OBJ_obj2nid(CMS_get0_type(token)) == NID_pkcs7_signed;
	return is_signed && der == end ? token : NULL;
}

time_t proven_time(CMS_SignerInfo *signer, X509 *certificate)
{
	if (IS_EMPTY(rules.timestamp_authorities))
		return -1;
	X509_STORE *authorities = open_authorities();
	if (is_for_lifetime_signing(certificate))
		return -1;
	const ASN1_OBJECT *type = OBJ_txt2obj(TOKEN_OID, 1);
	const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
	time_t earliest = -1;
	int judged = 0;
	for (int at = -1; (at = CMS_unsigned_get_attr_by_OBJ(signer, type, at)) >= 0;) {
		X509_ATTRIBUTE *attribute = CMS_unsigned_get_attr(signer, at);
		for (int i = 0; i < X509_ATTRIBUTE_count(attribute) && judged < MAX_TIMESTAMPS; i++) {
			judged++;
			CMS_ContentInfo *token = token_in(attribute, i);
			if (token == NULL)
				continue;
			const time_t time = time_of(token, signature, certificate, authorities);
			if (time >= 0 && (earliest < 0 || time < earliest))
				earliest = time;
		}
	}
	return earliest;
}
