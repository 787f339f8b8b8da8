/* The trust index: which content each path of some products must have. docs/trust-index.md. Its
 * signature is verified over the octets received before anything else is read; entries are looked
 * up where they lie. */
#define _GNU_SOURCE
#include "spython.h"
#include "../find-record.h"
#include "../owned-file.h"
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/ess.h>
#include <openssl/x509v3.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { HEADER = 24, KIND_AT = 6, SIZE_AT = 8, DIGEST_AT = 16, FILE_KIND = 0, LINK_KIND = 1 };
enum {
	MAX_HEAD = 1 << 20,
	MAX_ENTRIES = 1 << 21,
	MAX_NAMES = 1 << 29,
	MAX_SIGNATURE = 1 << 20,
	MAX_INDEX = 1 << 30,
	MAX_PRODUCTS = 256
};
static const char INDEX_OID[] = "2.25.213635600933900886167909968535539274014",
				  DEVELOPMENT_OID[] = "2.25.160338890626714142025452589499789174236";

static struct index_table table;
static char index_hex[SHA256_HEX + 1], signer_hex[SHA256_HEX + 1];
static uint64_t not_after = UINT64_MAX; /* milliseconds */
static const struct json *policy, *catalog_signers, *listed;
static const struct member HEAD[] = {{"notAfter", "number", &not_after}, {"policy", "any", &policy},
	{"signers", "texts", &catalog_signers}, {"products", "list", &listed},
	{"products.name", "text", NULL}, {"products.root", "path", NULL},
	{"products.sequence", "number", NULL}, {"products.adopted", "any", NULL},
	{"products.catalogs", "texts", NULL}, {"products.entries", "number", NULL}, {0}};
static struct product {
	const char *name, *root;
	char sequence[24]; /* empty where there is none */
	size_t root_length; /* without a slash at its end */
	uint32_t first, end;
} products[MAX_PRODUCTS];
static size_t product_count;
static uint32_t entry_count; /* of these */

static _Noreturn void malformed(const char *reason)
{
	fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot read the trust index: %s", reason);
}
static _Noreturn void distrust(const char *code, const char *reason)
{
	fail(REFUSED, code, "Cannot trust the trust index: %s", reason);
}
static void require(int done)
{
	if (done != 1)
		fail(REFUSED, "ERR_INTERNAL", "Cannot digest: libcrypto failed");
}

/* A copy in memory that nobody writes to any more. The launcher's descriptor must be sealed, so
 * that it is what it opened. */
static const uint8_t *map_index(const char *file, int descriptor, size_t *length)
{
	struct stat s;
	const int seals = descriptor < 0
						  ? ALL_SEALS
						  : fcntl(descriptor, F_GET_SEALS); /* -1 where it is no memory file */
	if (descriptor < 0)
		descriptor = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	else if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use descriptor %d: it is no sealed memory",
			descriptor);
	if (descriptor < 0 || fstat(descriptor, &s) != 0)
		fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot open the trust index \"%s\": %m", file);
	if (!S_ISREG(s.st_mode) || s.st_size < HEADER || s.st_size > MAX_INDEX)
		malformed("it is no file of a size that one has");
	*length = (size_t)s.st_size;
	uint8_t *memory = mmap(
		NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		fail(REFUSED, "ERR_LIMIT", "Cannot read the trust index: %m");
	if (read_all(descriptor, memory, *length) != (ssize_t)*length)
		malformed("it changes while it is read");
	mprotect(memory, *length, PROT_READ);
	close(descriptor);
	return memory;
}

/* As pki/chain.ts asks of a pinned key. */
static void check_certificate(X509 *certificate)
{
	uint8_t *der = NULL, digest[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	if (length <= 0 || X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
		distrust("ERR_CERTIFICATE_FORMAT", "its signer's certificate cannot be read");
	to_hex(digest, hex);
	require(EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL));
	to_hex(digest, signer_hex);
	if (strstr(SPYTHON_PINS, signer_hex) == NULL &&
		find_by(rules.pins, "spki-sha256", signer_hex) == NULL)
		fail(REFUSED, "ERR_UNTRUSTED_SIGNER",
			"Cannot trust signer of key %s: it is pinned neither in this spython nor in \"%s\"",
			signer_hex, rules.host_file);
	if (denied("key", signer_hex) != NULL || denied("certificate", hex) != NULL)
		distrust("ERR_DENIED", "the deny list names its signer");
	const uint32_t flags = X509_get_extension_flags(certificate),
				   usage = X509_get_extended_key_usage(certificate);
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
		distrust("ERR_CERTIFICATE_NOT_YET_VALID", "its signer's certificate is not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
		distrust("ERR_CERTIFICATE_EXPIRED", "its signer's certificate has expired");
	if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
		distrust("ERR_CERTIFICATE_EXTENSION",
			"its signer's certificate has extensions that are not known here");
	if (usage == UINT32_MAX || !(usage & XKU_CODE_SIGN) ||
		!(X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE))
		distrust("ERR_CERTIFICATE_PURPOSE", "its signer's certificate is not for signing code");
	if (EVP_PKEY_get_security_bits(X509_get0_pubkey(certificate)) < 112)
		distrust("ERR_WEAK_KEY", "its signer's key is too short");
	if (!rules.development &&
		X509_get_ext_by_OBJ(certificate, OBJ_txt2obj(DEVELOPMENT_OID, 1), -1) >= 0)
		distrust("ERR_DEVELOPMENT_IDENTITY",
			"a development identity signed it; sign it with a release key");
}

static const void *attribute(CMS_SignerInfo *signer, int name, int type)
{
	const void *value =
		CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(name), -3 /* exactly once */, type);
	if (value == NULL)
		distrust("ERR_SIGNED_ATTRIBUTES", "its signed attributes are not those of an index");
	return value;
}

/* CMS SignedData over content that is not in it, by one signer whose key is pinned. What is made
 * here once is kept. */
static void verify_signature(const uint8_t *der, size_t length, const uint8_t content[SHA256_BYTES])
{
	const uint8_t *end = der;
	const ASN1_OBJECT *type = OBJ_txt2obj(INDEX_OID, 1);
	X509 *certificate = NULL;
	X509_ALGOR *digest = NULL;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &end, (long)length);
	if (cms == NULL || end != der + length || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		distrust("ERR_CMS_FORMAT", "it has no signature that is one");
	ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	if (OBJ_cmp(CMS_get0_eContentType(cms), type) != 0 || inside == NULL || *inside != NULL ||
		sk_CMS_SignerInfo_num(signers) != 1)
		distrust("ERR_INDEX_FORMAT", "its signature is not one for trust indexes, by one signer");
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, 0);
	if (CMS_set1_signers_certs(cms, NULL, 0) != 1)
		distrust("ERR_SIGNER_CERTIFICATE", "its signer's certificate is not in it");
	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, &digest, NULL);
	check_certificate(certificate);
	if (OBJ_obj2nid(digest->algorithm) != NID_sha256)
		distrust("ERR_UNSUPPORTED_ALGORITHM", "its digest is not SHA-256");
	if (CMS_SignerInfo_verify(signer) != 1)
		distrust("ERR_SIGNATURE", "the signature does not match what is signed");
	if (OBJ_cmp(attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT), type) != 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "it is signed as something else");
	const ASN1_STRING *message = attribute(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING),
					  *named;
	if (ASN1_STRING_length(message) != SHA256_BYTES ||
		memcmp(ASN1_STRING_get0_data(message), content, SHA256_BYTES) != 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "the content was changed after it was signed");
	named = attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE);
	end = ASN1_STRING_get0_data(named);
	ESS_SIGNING_CERT_V2 *ess = d2i_ESS_SIGNING_CERT_V2(NULL, &end, ASN1_STRING_length(named));
	STACK_OF(X509) *chain = sk_X509_new_null();
	if (ess == NULL || chain == NULL || sk_X509_push(chain, certificate) != 1 ||
		OSSL_ESS_check_signing_certs(NULL, ess, chain, 1) <= 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "it names another signer's certificate");
}

static void refuse_denied(const struct json *list, const char *kind)
{
	EACH(each, list)
		if (denied(kind, each->text) != NULL)
			distrust("ERR_DENIED", denied(kind, each->text));
}

static void add_product(const struct json *described)
{
	const struct json *name = json_member(described, "name"),
					  *root = json_member(described, "root"),
					  *entries = json_member(described, "entries");
	if (name == NULL || root == NULL || entries == NULL || entries->number > MAX_ENTRIES ||
		product_count == MAX_PRODUCTS)
		malformed("its products are not described as they must be");
	const struct json *sequence = json_member(described, "sequence"),
					  *bound = find_by(rules.products, "name", name->text);
	const struct json *minimum = json_member(bound, "minimumSequence"),
					  *own_root = json_member(bound, "root");
	int is_named = IS_EMPTY(rules.policy_products);
	EACH(each, rules.policy_products)
		is_named |= strcmp(each->text, name->text) == 0;
	if (!is_named || (bound == NULL && !IS_EMPTY(rules.products)))
		fail(REFUSED, "ERR_PRODUCT_MISMATCH",
			"Cannot use product \"%s\": the host configuration, or the policy, does not name it",
			name->text);
	if (minimum != NULL && (sequence == NULL || sequence->number < minimum->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use product \"%s\": this host demands a sequence of at least %lu; install a "
			"newer one",
			name->text, minimum->number);
	refuse_denied(json_member(described, "catalogs"), "catalog");
	const char *path = own_root == NULL ? root->text : own_root->text, *real = realpath(path, NULL);
	struct product new = {.name = name->text,
		.root = real == NULL ? path : real,
		.first = entry_count,
		.end = entry_count + (uint32_t)entries->number};
	if (sequence != NULL)
		snprintf(new.sequence, sizeof new.sequence, "%lu", sequence->number);
	new.root_length = strlen(new.root) - (strcmp(new.root, "/") == 0);
	entry_count = new.end;
	products[product_count++] = new;
}

/* Whose sizes are in the header; what is behind them is the signature. */
static void find_parts(const uint8_t *bytes, size_t length)
{
	const size_t head = read_u32(bytes + 12), entries = read_u32(bytes + 16),
				 names = read_u32(bytes + 20);
	if (head > MAX_HEAD || entries > MAX_ENTRIES || names > MAX_NAMES)
		fail(REFUSED, "ERR_LIMIT",
			"Cannot read the trust index: it says it is larger than it may be");
	const size_t names_start = HEADER + head + entries * RECORD_BYTES;
	if (names_start + names >= length || length - names_start - names > MAX_SIGNATURE)
		malformed("it is truncated, or its signature is too large");
	table = (struct index_table){bytes, length, (uint32_t)(HEADER + head), (uint32_t)names_start,
		(uint32_t)(names_start + names)};
}

static void read_head(int mode_asked)
{
	const size_t length = table.records_start - HEADER;
	char *text = strndup(
		(const char *)table.bytes + HEADER, length); /* too short where there is a NUL in it */
	const char *wrong = read_members(keep_json(text, length), "", HEAD);
	if (wrong != NULL)
		fail(REFUSED, "ERR_INDEX_FORMAT",
			"Cannot read the trust index: \"%s\" in its head is not as it must be", wrong);
	if (is_index_expired())
		fail(REFUSED, "ERR_INDEX_EXPIRED",
			"Cannot use the trust index: its last day is past; compile it again");
	refuse_denied(catalog_signers, "key");
	if (denied("catalog", index_hex) != NULL)
		distrust("ERR_DENIED", denied("catalog", index_hex));
	read_policy(policy, mode_asked);
	EACH(product, listed)
		add_product(product);
	if ((size_t)entry_count * RECORD_BYTES != table.names_start - table.records_start)
		malformed("its products have another number of entries");
}

/* `descriptor`: of the launcher's memory, or -1 for the file. */
void load_index(const char *file, int descriptor, int mode_asked)
{
	size_t length;
	uint8_t of_content[SHA256_BYTES], of_all[SHA256_BYTES];
	const uint8_t *bytes = map_index(file, descriptor, &length);
	if (memcmp(bytes, "\x89SIGX\r\n\x1a", 8) != 0 || read_u32(bytes + 8) != 1)
		malformed("it does not begin as one of version 1");
	find_parts(bytes, length);
	/* libcrypto is linked in, and not the program's: it needs no settings of the system, no words
	 * for errors, no names of ciphers; and no clearing up, as threads may still digest at the end.
	 */
	require(OPENSSL_init_crypto(
		OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
			OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
		NULL));
	EVP_MD_CTX *all = EVP_MD_CTX_new(), *content = EVP_MD_CTX_new();
	require(EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1 &&
			EVP_DigestUpdate(all, bytes, table.names_end) == 1 &&
			EVP_MD_CTX_copy_ex(content, all) == 1);
	require(EVP_DigestUpdate(all, bytes + table.names_end, length - table.names_end) == 1 &&
			EVP_DigestFinal_ex(all, of_all, NULL) == 1);
	require(EVP_DigestFinal_ex(content, of_content, NULL));
	to_hex(of_all, index_hex);
	verify_signature(bytes + table.names_end, length - table.names_end, of_content);
	read_head(mode_asked);
}

/* The events of a start: products, then that it is decided from here on. */
void announce(const char *missing)
{
	for (const struct product *p = products; p < products + product_count; p++)
		raise_event("catalog.load", ALLOW, "sha256", index_hex, "product", p->name, "#sequence",
			p->sequence, "signer", signer_hex, NULL);
	raise_event("verifier.start", rules.mode <= MODE_AUDIT ? AUDIT : ALLOW, "mode",
		MODE_NAMES[rules.mode], "index", index_hex, "signer", signer_hex, "tier",
		"CPython " SPYTHON_VERSION, "missing", missing, NULL);
}

int is_index_expired(void)
{
	return (uint64_t)time(NULL) > not_after / 1000;
}

/* What was signed for a real path: by product and path, never by content alone. A product inside
 * another's tree answers for its own files. */
struct entry find_entry(const char *path)
{
	const struct product *p = NULL;
	for (const struct product *each = products; each < products + product_count; each++) {
		const int holds =
			strncmp(path, each->root, each->root_length) == 0 && path[each->root_length] == '/';
		if (holds && (p == NULL || each->root_length > p->root_length))
			p = each;
	}
	if (p == NULL)
		return (struct entry){0};
	struct entry entry = {.product = p->name, .name = path + p->root_length + 1};
	const size_t length = strlen(entry.name);
	const int64_t at = find_record(&table, p->first, p->end, entry.name, length);
	if (at < 0)
		return entry;
	const uint8_t *record = table.bytes + table.records_start + (size_t)at * RECORD_BYTES;
	const uint64_t size = read_u32(record + SIZE_AT) | (uint64_t)read_u32(record + SIZE_AT + 4)
														   << 32,
				   target = table.names_start + read_u32(record) + length;
	if (read_u16(record + KIND_AT) == FILE_KIND)
		entry.digest = record + DIGEST_AT;
	if (read_u16(record + KIND_AT) == LINK_KIND && size <= table.names_end - target) {
		entry.target = (const char *)table.bytes + target;
		entry.target_length = size;
	}
	return entry;
}
