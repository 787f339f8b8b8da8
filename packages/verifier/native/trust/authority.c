/* Finds and verifies chains of certificates by libcrypto. Guarantees that a chain is accepted only
 * if packages/core/src/pki/chain.ts accepts it too. chain.ts has demands that libcrypto does not
 * have, so this file checks them afterwards: names that are equal byte by byte, accepted keys and
 * algorithms, extended key usages of issuers, and name constraints of other forms than DNS and
 * email.
 *
 * libcrypto refuses some chains that chain.ts accepts: if the key identifier in a certificate is
 * not its issuer's, if an email address under a constraint is not an IA5String, and if only the
 * second of two intermediates with one name and key leads to the authority. */
#define _GNU_SOURCE
#include "authority.h"
#include "../shared/process/decisions.h"
#include "certificate.h"
#include "trust.h"
#include "subject.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_INTERMEDIATES = 8, /* a chain has at most 10 certificates: leaf, intermediates, authority */
};

/* `anchors` has the order of `rules.authorities`. */
static DECIDES X509 **anchors;

/* Describes why a chain was refused. If `code` is NULL, the chain was accepted. */
struct objection {
	const char *code;
	const char *reason;
};

void read_authorities(void)
{
	size_t count = 0;
	EACH(authority, rules.authorities)
		count++;
	anchors = calloc(count + 1, sizeof *anchors);
	if (anchors == NULL)
		fail(UNDECIDED, "ERR_HOST_CONFIG", "Cannot read the authorities of the host: %m");
	count = 0;
	EACH(authority, rules.authorities) {
		const char *path = json_member(authority, "certificate")->text;
		anchors[count] = read_certificate(path);
		if (anchors[count] == NULL)
			fail(REFUSED, "ERR_HOST_CONFIG", "Cannot use \"%s\": it is not one certificate", path);
		if (!is_name_text(json_member(authority, "subject")->text))
			fail(REFUSED, "ERR_HOST_CONFIG",
				"Cannot use host configuration \"%s\": \"$.authorities[%zu]\" must have a subject, "
				"such as \"CN=Release,O=Example\"",
				rules.host_file, count);
		count++;
	}
}

static bool may_vouch_for(const struct json *authority, X509 *signer)
{
	return is_name(X509_get_subject_name(signer), json_member(authority, "subject")->text);
}

bool has_authority_for(X509 *signer)
{
	EACH(authority, rules.authorities) {
		if (may_vouch_for(authority, signer))
			return true;
	}
	return false;
}

/* Returns the objection for the error of X509_verify_cert(). */
static struct objection objection_of(X509_STORE_CTX *context)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	switch (X509_STORE_CTX_get_error(context)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return (struct objection){"ERR_CERTIFICATE_EXPIRED", "a certificate above it has expired"};
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return (struct objection){
			"ERR_CERTIFICATE_NOT_YET_VALID", "a certificate above it is not valid yet"};
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
		return (struct objection){
			"ERR_CERTIFICATE_SIGNATURE", "the key of its issuer did not sign a certificate"};
	case X509_V_ERR_INVALID_CA:
		if ((X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0 &&
			(X509_get_extension_flags(certificate) & EXFLAG_CA) != 0)
			return (struct objection){
				"ERR_CERTIFICATE_PURPOSE", "the key usage of an issuer does not let it issue"};
		return (struct objection){
			"ERR_CERTIFICATE_CONSTRAINTS", "a certificate above it is not that of an authority"};
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return (struct objection){"ERR_CERTIFICATE_CONSTRAINTS",
			"a certificate above it does not allow its names, or so many certificates below"};
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return (struct objection){
			"ERR_CERTIFICATE_PURPOSE", "the key usage of an issuer does not let it issue"};
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
	case X509_V_ERR_INVALID_EXTENSION:
		return (struct objection){"ERR_CERTIFICATE_EXTENSION",
			"a certificate has an extension that is invalid or not known here"};
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return (struct objection){"ERR_WEAK_DIGEST", "a certificate is signed with a weak digest"};
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		return (struct objection){"ERR_WEAK_KEY", "the key of a certificate is too short"};
	default:
		return (struct objection){
			"ERR_UNTRUSTED_SIGNER", "no chain of certificates leads to the authority"};
	}
}

/* Returns true if the certificate may issue certificates for code signing. */
static bool may_issue_for_code(X509 *issuer)
{
	const uint32_t extended_usage = X509_get_extended_key_usage(issuer);
	/* libcrypto returns UINT32_MAX for an absent extension, which restricts nothing. */
	return (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0 &&
		(extended_usage & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0;
}

/* Returns true if a name of the certificate has this form. */
static bool has_name_of(X509 *certificate, int form)
{
	/* The subject of a certificate is a directory name, so every certificate has a name of this
	 * form. */
	if (form == GEN_DIRNAME)
		return true;
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (sk_GENERAL_NAME_value(names, i)->type == form)
			return true;
	}
	return false;
}

/* Returns true if a constraint is on a form of name that chain.ts does not apply, and the
 * certificate has a name of this form. */
static bool is_constrained_otherwise(X509 *certificate, const STACK_OF(GENERAL_SUBTREE) * subtrees)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); i++) {
		const int form = sk_GENERAL_SUBTREE_value(subtrees, i)->base->type;
		if (form != GEN_DNS && form != GEN_EMAIL && has_name_of(certificate, form))
			return true;
	}
	return false;
}

/* Checks an issuer in a chain that libcrypto has verified. The `count` certificates from the start
 * of the chain are below it. */
static struct objection objection_to_issuer(X509 *issuer, STACK_OF(X509) * chain, int count)
{
	const char *code = fault_of_key(issuer);
	if (code != NULL)
		return (struct objection){code, "the key of an issuer is not of an accepted type and size"};
	if (has_unknown_critical(issuer))
		return (struct objection){
			"ERR_CERTIFICATE_EXTENSION", "an issuer has a critical extension that is not applied"};
	if (X509_check_ca(issuer) != ISSUES_CERTIFICATES)
		return (struct objection){
			"ERR_CERTIFICATE_CONSTRAINTS", "an issuer is not a certificate authority"};
	if (!may_issue_for_code(issuer))
		return (struct objection){
			"ERR_CERTIFICATE_PURPOSE", "an issuer may not issue for signing code"};
	NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
	for (int i = 0; i < count && constraints != NULL; i++) {
		X509 *below = sk_X509_value(chain, i);
		const bool is_exempt = i > 0 && (X509_get_extension_flags(below) & EXFLAG_SI) == EXFLAG_SI;
		if (!is_exempt &&
			(is_constrained_otherwise(below, constraints->permittedSubtrees) ||
				is_constrained_otherwise(below, constraints->excludedSubtrees)))
			return (struct objection){"ERR_CERTIFICATE_CONSTRAINTS",
				"an issuer constrains names of a form that is not supported"};
	}
	return (struct objection){0};
}

/* Returns true if both names consist of the same bytes. */
static bool is_same_name(const X509_NAME *a, const X509_NAME *b)
{
	const uint8_t *first;
	const uint8_t *second;
	size_t first_length;
	size_t second_length;
	return X509_NAME_get0_der(a, &first, &first_length) == 1 &&
		X509_NAME_get0_der(b, &second, &second_length) == 1 && first_length == second_length &&
		memcmp(first, second, first_length) == 0;
}

/* Checks a chain that libcrypto has verified, from the leaf to the authority. If the signer itself
 * is the authority, the chain has one certificate, which counts as its own issuer. */
static struct objection objection_to_chain(STACK_OF(X509) * chain)
{
	const int length = sk_X509_num(chain);
	for (int i = 0; i < length; i++) {
		X509 *certificate = sk_X509_value(chain, i);
		const bool is_last = i == length - 1;
		X509 *issuer = is_last ? certificate : sk_X509_value(chain, i + 1);
		const char *denial = denied_certificate(certificate);
		if (denial != NULL) {
			static char text[PATH_MAX];
			snprintf(
				text, sizeof text, "the deny list names a certificate of its chain: %s", denial);
			return (struct objection){"ERR_DENIED", text};
		}
		/* The signature on the authority's own certificate proves nothing and is not judged. */
		if (is_last && length > 1)
			break;
		const char *code = fault_of_algorithm(certificate);
		if (code != NULL)
			return (struct objection){code, "a certificate is signed by an algorithm not accepted"};
		if (!is_same_name(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)))
			return (struct objection){"ERR_UNTRUSTED_SIGNER", "a certificate names another issuer"};
		const struct objection objection = objection_to_issuer(issuer, chain, i + 1);
		if (objection.code != NULL)
			return objection;
	}
	return (struct objection){0};
}

/* Notes what the trust in a chain rests on, and when it ends. */
static void rest_on_chain(STACK_OF(X509) * chain, bool is_now)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		rest_on_certificate(OF_INDEX, sk_X509_value(chain, i));
		end_with(is_now ? END_OF_CERTIFICATE : END_OF_TIMESTAMPED, sk_X509_value(chain, i));
	}
}

static struct objection judge_chain_to(
	X509 *anchor, X509 *signer, STACK_OF(X509) * intermediates, time_t at, bool is_now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	if (store == NULL || context == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
		X509_STORE_CTX_init(context, store, signer, intermediates) != 1)
		fail(UNDECIDED, "ERR_INTERNAL", "Cannot verify a chain of certificates: libcrypto failed");
	X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(parameters, MAX_INTERMEDIATES);
	X509_VERIFY_PARAM_set_time(parameters, at);
	/* The common name of a signer names a person or a team. So constraints on DNS names do not
	 * apply to it. */
	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_verify_cert(context) != 1)
		return objection_of(context);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
	/* libcrypto also accepts a chain that goes on from the authority to other certificates. Here
	 * the authority must be the last certificate. */
	if (X509_cmp(sk_X509_value(chain, sk_X509_num(chain) - 1), anchor) != 0)
		return (struct objection){
			"ERR_UNTRUSTED_SIGNER", "the authority did not issue its certificate"};
	const struct objection objection = objection_to_chain(chain);
	if (objection.code == NULL)
		rest_on_chain(chain, is_now);
	return objection;
}

/* Returns the certificates that came with the signature, except for roots. A chain never leads
 * through a root. libcrypto would try the root of an authority before a certificate that another
 * authority issued to the same authority. */
static STACK_OF(X509) * intermediates_in(CMS_ContentInfo *cms)
{
	STACK_OF(X509) *all = CMS_get1_certs(cms);
	STACK_OF(X509) *intermediates = sk_X509_new_null();
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *certificate = sk_X509_value(all, i);
		const bool is_root = (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
		if (!is_root && sk_X509_push(intermediates, certificate) == 0)
			fail(UNDECIDED, "ERR_INTERNAL", "Cannot verify a chain of certificates: no memory");
	}
	return intermediates;
}

void require_chain(CMS_ContentInfo *cms, X509 *signer, time_t at, bool is_now)
{
	STACK_OF(X509) *intermediates = intermediates_in(cms);
	struct objection objection = {
		"ERR_UNTRUSTED_SIGNER", "no authority of the host vouches for it"};
	size_t number = 0;
	EACH(authority, rules.authorities) {
		X509 *anchor = anchors[number];
		number++;
		if (!may_vouch_for(authority, signer))
			continue;
		objection = judge_chain_to(anchor, signer, intermediates, at, is_now);
		if (objection.code == NULL)
			return;
	}
	const bool may_pass = is_now && strcmp(objection.code, "ERR_CERTIFICATE_NOT_YET_VALID") == 0;
	fail(may_pass ? UNDECIDED : REFUSED, objection.code,
		"Cannot trust the trust index: its signer: %s", objection.reason);
}
