/* Verifies the signatures over a trust index and over its policy, and decides who may sign them.
 *
 * Guarantees that verify_index() returns only if a signer who is pinned and not on the deny list
 * has signed the content, and that the digests it writes are those of the verified bytes. Nothing
 * of the content is read for that except to digest it. Guarantees the same of verify_policy(), for
 * which only the policy signers of the host count. */
#define _GNU_SOURCE
#include "index-signature.h"
#include "../shared/process/decisions.h"
#include "authority.h"
#include "certificate.h"
#include "timestamp.h"
#include "trust.h"
#include <openssl/cms.h>
#include <openssl/ess.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	EXACTLY_ONCE = -3, /* a value for `lastpos` of CMS_signed_get0_data_by_OBJ() */
};

/* The two kinds of content that are signed. */
static const struct signed_kind {
	const char *what; /* its name in messages */
	const char *type; /* the content type that the signature covers */
	const char *type_code; /* the code of the refusal of another type */
} INDEX =
	{
		"trust index",
		"2.25.213635600933900886167909968535539274014",
		"ERR_INDEX_FORMAT",
},
  POLICY_DOCUMENT = {
	  "signed policy",
	  "2.25.113206505080961639687343182122458753820",
	  "ERR_POLICY_SIGNER",
};

/* The kind that is judged at the moment. */
static DECIDES const struct signed_kind *judged = &INDEX;

static const char DEVELOPMENT_OID[] = "2.25.160338890626714142025452589499789174236";

/* Ends the process, because what is judged at the moment, the index or a policy, is not trusted. */
static _Noreturn void distrust(const char *code, const char *reason)
{
	fail(REFUSED, code, "Cannot trust the %s: %s", judged->what, reason);
}

/* Checks the result of a function of libcrypto that fails only if memory is lacking. */
static void require(int result)
{
	if (result != 1)
		fail(UNDECIDED, "ERR_INTERNAL", "Cannot digest: libcrypto failed");
}

/* Writes the digest of the certificate's key. */
static void digest_key(X509 *certificate, char hex[SHA256_HEX + 1])
{
	uint8_t *key = NULL; /* SubjectPublicKeyInfo in DER; never freed */
	uint8_t key_digest[SHA256_BYTES];
	const int key_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	if (key_length <= 0)
		distrust("ERR_CERTIFICATE_FORMAT", "its signer's certificate cannot be read");
	require(EVP_Digest(key, (size_t)key_length, key_digest, NULL, EVP_sha256(), NULL));
	to_hex(key_digest, hex);
}

/* Ends the process if the signer is on the deny list. */
static void refuse_denied_signer(X509 *certificate)
{
	const char *denial = denied_certificate(certificate);
	if (denial != NULL)
		fail(REFUSED, "ERR_DENIED", "Cannot trust the %s: the deny list names its signer: %s",
			judged->what, denial);
}

/* Returns true if the host configuration pins the signer's key, or if there is no host
 * configuration and this program was built with the pin. Otherwise an authority has to vouch for
 * the signer. Ends the process if none may. */
static bool is_pinned(X509 *certificate, const char *signer_hex)
{
	const bool is_known = rules.has_host_file
		? find_by(rules.pins, "spki-sha256", signer_hex) != NULL
		: strstr(program.pins, signer_hex) != NULL;
	if (!is_known && !has_authority_for(certificate))
		fail(REFUSED, "ERR_UNTRUSTED_SIGNER",
			"Cannot trust signer of key %s: %s\"%s\" neither pins it nor names an authority for it",
			signer_hex, rules.has_host_file ? "" : program.lacks_this_pin, rules.host_file);
	return is_known;
}

/* Requires one of the host's policy signers. */
static void require_policy_signer(const char *signer_hex)
{
	if (find_by(rules.policy_signers, "spki-sha256", signer_hex) == NULL)
		fail(REFUSED, "ERR_POLICY_SIGNER",
			"Cannot trust the signed policy: key %s signed it and is no policy signer of \"%s\"; "
			"have "
			"a policy signer sign it, or add its key to \"policySigners\"",
			signer_hex, rules.host_file);
}

/* Checks the signer's certificate as packages/core/src/pki/chain.ts checks a certificate whose key
 * is pinned. The certificate needs no chain, but valid dates, extensions, purpose and key strength.
 * `at` is the time for which the dates are checked. */
static void check_certificate(X509 *certificate, time_t at, bool is_now)
{
	const uint32_t flags = X509_get_extension_flags(certificate);
	const uint32_t usage = X509_get_key_usage(certificate);
	const uint32_t extended_usage = X509_get_extended_key_usage(certificate);
	if (X509_cmp_time(X509_get0_notBefore(certificate), &at) >= 0)
		fail(is_now ? UNDECIDED : REFUSED, "ERR_CERTIFICATE_NOT_YET_VALID",
			"Cannot trust the %s: its signer's certificate is not valid yet; set the clock, if it "
			"is wrong",
			judged->what);
	if (X509_cmp_time(X509_get0_notAfter(certificate), &at) <= 0)
		distrust("ERR_CERTIFICATE_EXPIRED",
			"its signer's certificate has expired, and no timestamp by an authority of the host "
			"configuration proves that it was signed before");
	if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) || has_unknown_critical(certificate))
		distrust("ERR_CERTIFICATE_EXTENSION",
			"its signer's certificate has invalid extensions, or critical ones that are not known "
			"here");
	/* libcrypto returns UINT32_MAX for an absent extension. An absent extended key usage is
	 * refused. An absent key usage restricts nothing. */
	if (extended_usage == UINT32_MAX || !(extended_usage & XKU_CODE_SIGN) ||
		!(usage & KU_DIGITAL_SIGNATURE))
		distrust("ERR_CERTIFICATE_PURPOSE", "its signer's certificate is not for signing code");
	const char *code = fault_of_key(certificate);
	if (code != NULL && strcmp(code, "ERR_WEAK_KEY") == 0)
		distrust(code, "its signer's key is too short or too long, or of a type not accepted");
	if (code != NULL)
		distrust(code,
			"its signer's RSA key has an even modulus, or a public exponent that is even, below 3 "
			"or longer than 32 bits, or its key is encoded in a way that is not accepted");
	const ASN1_OBJECT *development = OBJ_txt2obj(DEVELOPMENT_OID, 1);
	if (!rules.development && X509_get_ext_by_OBJ(certificate, development, -1) >= 0)
		distrust("ERR_DEVELOPMENT_IDENTITY",
			"a development identity signed it; sign it with a release key");
}

/* Returns the value of a signed attribute, which must occur exactly once and have one value of this
 * type. `signer` owns the value. */
static const void *signed_attribute(CMS_SignerInfo *signer, int name, int type)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(name);
	const void *value = CMS_signed_get0_data_by_OBJ(signer, object, EXACTLY_ONCE, type);
	if (value == NULL)
		distrust("ERR_SIGNED_ATTRIBUTES",
			"a signed attribute that it must have is missing, repeated or of another type");
	return value;
}

/* Requires the signed attribute messageDigest (RFC 5652, section 11.2) to match the content. */
static void require_message_digest(CMS_SignerInfo *signer, const char *content)
{
	const ASN1_STRING *digest =
		signed_attribute(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
	char hex[SHA256_HEX + 1] = "";
	if (ASN1_STRING_length(digest) == SHA256_BYTES)
		to_hex(ASN1_STRING_get0_data(digest), hex);
	if (strcmp(hex, content) != 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "the content was changed after it was signed");
}

/* Requires the signed attribute signingCertificateV2 (RFC 5035) to identify the certificate that
 * was checked. */
static void require_signing_certificate(CMS_SignerInfo *signer, X509 *certificate)
{
	const ASN1_STRING *value =
		signed_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE);
	const uint8_t *der = ASN1_STRING_get0_data(value);
	ESS_SIGNING_CERT_V2 *named = d2i_ESS_SIGNING_CERT_V2(NULL, &der, ASN1_STRING_length(value));
	STACK_OF(X509) *chain = sk_X509_new_null();
	if (named == NULL || chain == NULL || sk_X509_push(chain, certificate) != 1 ||
		OSSL_ESS_check_signing_certs(NULL, named, chain, 1) <= 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "it names another signer's certificate");
}

/* Requires CMS SignedData (RFC 5652) with a detached content of this type, and with exactly one
 * signer. Returns the signer, which `cms` owns. */
static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms, const ASN1_OBJECT *content_type)
{
	ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	if (OBJ_cmp(CMS_get0_eContentType(cms), content_type) != 0 || inside == NULL ||
		*inside != NULL || sk_CMS_SignerInfo_num(signers) != 1)
		distrust(judged->type_code,
			"its signature is not one of its kind, apart from it, by one signer");
	return sk_CMS_SignerInfo_value(signers, 0);
}

/* Returns the end of the certificate, or 0 if its date cannot be computed. */
static time_t end_of_certificate(const X509 *certificate)
{
	struct tm end;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return 0;
	return timegm(&end);
}

/* Requires a CMS signature by a trusted signer over `judged`, whose SHA-256 is `content`. Writes
 * the digest of the signer's key to `signer_hex`. Returns the end of the signer's certificate. The
 * objects of libcrypto that are made here are never freed, because this function runs only twice in
 * a process. */
static time_t verify_signature(
	const uint8_t *der, size_t length, const char *content, char signer_hex[SHA256_HEX + 1])
{
	const ASN1_OBJECT *type = OBJ_txt2obj(judged->type, 1);
	const uint8_t *end = der; /* becomes the end of the signature */
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &end, (long)length);
	if (cms == NULL || end != der + length || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		distrust("ERR_CMS_FORMAT", "its signature is not CMS SignedData, or has bytes behind it");
	CMS_SignerInfo *signer = only_signer(cms, type);
	if (CMS_set1_signers_certs(cms, NULL, 0) != 1)
		distrust("ERR_SIGNER_CERTIFICATE", "its signer's certificate is not in it");
	X509 *certificate = NULL;
	X509_ALGOR *digest_algorithm = NULL;
	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, &digest_algorithm, NULL);
	digest_key(certificate, signer_hex);
	bool has_pin = true;
	if (judged == &POLICY_DOCUMENT) {
		require_policy_signer(signer_hex);
		refuse_denied_signer(certificate);
	} else {
		read_authorities();
		refuse_denied_signer(certificate);
		has_pin = is_pinned(certificate, signer_hex);
	}
	const time_t proven = proven_time(signer, certificate);
	const bool is_now = proven < 0;
	const time_t at = is_now ? time(NULL) : proven;
	if (OBJ_obj2nid(digest_algorithm->algorithm) != NID_sha256)
		distrust("ERR_UNSUPPORTED_ALGORITHM", "its digest is not SHA-256");
	if (CMS_SignerInfo_verify(signer) != 1)
		distrust("ERR_SIGNATURE", "the signature does not match what is signed");
	const ASN1_OBJECT *signed_type = signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT);
	if (OBJ_cmp(signed_type, type) != 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "another type of content is signed");
	require_message_digest(signer, content);
	require_signing_certificate(signer, certificate);
	/* Dates come last: a wrong clock is no reason to try a forged index again. */
	check_certificate(certificate, at, is_now);
	rest_on_certificate(OF_INDEX, certificate);
	end_with(is_now ? END_OF_CERTIFICATE : END_OF_TIMESTAMPED, certificate);
	if (!has_pin)
		require_chain(cms, certificate, at, is_now);
	return end_of_certificate(certificate);
}

/* Digests the signed content and the whole file. The bytes before the signature are read once. */
static void digest_index(
	const uint8_t *bytes, size_t content_length, size_t length, struct index_digests *digests)
{
	uint8_t digest[SHA256_BYTES];
	EVP_MD_CTX *all = EVP_MD_CTX_new();
	EVP_MD_CTX *content = EVP_MD_CTX_new();
	require(EVP_DigestInit_ex(all, EVP_sha256(), NULL));
	require(EVP_DigestUpdate(all, bytes, content_length));
	require(EVP_MD_CTX_copy_ex(content, all));
	require(EVP_DigestUpdate(all, bytes + content_length, length - content_length));
	require(EVP_DigestFinal_ex(all, digest, NULL));
	to_hex(digest, digests->index);
	require(EVP_DigestFinal_ex(content, digest, NULL));
	to_hex(digest, digests->content);
}

/* Starts the libcrypto that is linked in, which is separate from that of the runtime. It needs no
 * configuration of the system, no error texts, and no names of algorithms except SHA-2. It must not
 * clean up when the process exits, because threads may still digest then. */
static void start_libcrypto(void)
{
	const uint64_t options = OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG |
		OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
		OPENSSL_INIT_NO_ADD_ALL_DIGESTS;
	require(OPENSSL_init_crypto(options, NULL));
	/* To check certificates and timestamps, libcrypto looks hash functions up by name, and keeps
	 * the result of the first look-up for good. So their names are added before the first use. */
	require(EVP_add_digest(EVP_sha256()));
	require(EVP_add_digest(EVP_sha384()));
	require(EVP_add_digest(EVP_sha512()));
}

void require_somebody(void)
{
	if (!rules.has_host_file && *program.pins == '\0')
		fail(UNDECIDED, "ERR_HOST_CONFIG",
			"Cannot trust anybody: %s\"%s\" does not exist; pin who may sign in a host "
			"configuration",
			program.lacks_pins, rules.host_file);
}

void verify_index(
	const uint8_t *bytes, size_t content_length, size_t length, struct index_digests *digests)
{
	start_libcrypto();
	if (*digests->index == '\0')
		digest_index(bytes, content_length, length, digests);
	judged = &INDEX;
	digests->signer_end = verify_signature(
		bytes + content_length, length - content_length, digests->content, digests->signer);
}

void verify_policy(const char *document, size_t length, const char *signature_hex)
{
	uint8_t digest[SHA256_BYTES];
	char content[SHA256_HEX + 1];
	char signer[SHA256_HEX + 1];
	uint8_t *signature = malloc(strlen(signature_hex) / 2);
	if (signature == NULL)
		fail(UNDECIDED, "ERR_LIMIT", "Cannot verify the signed policy: there is no memory");
	require(EVP_Digest(document, length, digest, NULL, EVP_sha256(), NULL));
	to_hex(digest, content);
	judged = &POLICY_DOCUMENT;
	verify_signature(signature, from_hex(signature_hex, signature), content, signer);
	judged = &INDEX;
}
