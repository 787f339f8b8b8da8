/* Reads the trust index, which says what content each path of a product must have.
 * docs/trust-index.md has the layout.
 *
 * Guarantees that the signature over the received bytes is verified, and that its signer is pinned,
 * before head, records or names are read. Until then only the sizes in the header are used, and
 * these are checked against limits. Afterwards the signer is trusted, but even then no byte outside
 * of the index is read. The bytes are in private, read-only memory, so they cannot change after
 * they were verified. A fault in the index ends the process. */
#define _GNU_SOURCE
#include "spython.h"
#include "authority.h"
#include "certificate.h"
#include "timestamp.h"
#include "../shared/find-record.h"
#include "../shared/owned-file.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/ess.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The magic bytes, and the offsets of the header's fields in the file, in bytes. */
static const uint8_t MAGIC[8] = {0x89, 'S', 'I', 'G', 'X', '\r', '\n', 0x1a};
enum {
	VERSION_AT = 8,
	HEAD_BYTES_AT = 12,
	ENTRIES_AT = 16,
	NAMES_BYTES_AT = 20,
	HEADER = 24, /* the size of the header */
	INDEX_VERSION = 1,
};

/* The offsets of the fields in a record, in bytes. find-record.h has the other fields. */
enum {
	KIND_AT = 6,
	SIZE_AT = 8, /* the file's size, or the length of a link's target */
	DIGEST_AT = 16,
	FILE_KIND = 0,
	LINK_KIND = 1,
};

/* The limits. They are in bytes, except those of entries and products. */
enum {
	MAX_HEAD = 1 << 20,
	MAX_ENTRIES = 1 << 21,
	MAX_NAMES = 1 << 29,
	MAX_SIGNATURE = 1 << 20,
	MAX_INDEX = 1 << 30,
	MAX_PRODUCTS = 256,
};

enum {
	EXACTLY_ONCE = -3, /* a value for `lastpos` of CMS_signed_get0_data_by_OBJ() */
};

static const char INDEX_OID[] = "2.25.213635600933900886167909968535539274014";
static const char DEVELOPMENT_OID[] = "2.25.160338890626714142025452589499789174236";

static struct index_table table;
static char index_hex[SHA256_HEX + 1]; /* the digest of the whole file */
static char content_hex[SHA256_HEX + 1]; /* the digest of the signed content */
static char signer_hex[SHA256_HEX + 1]; /* the digest of the signer's SubjectPublicKeyInfo */

static uint64_t not_after = UINT64_MAX; /* milliseconds since 1970 */

/* The products in the order of the head. Their records have the same order. */
static struct product {
	const char *name;
	const char *root; /* its directory, as a real path if the directory exists */
	size_t root_length; /* 0 for "/", so that a path below it begins with a slash after the root */
	char sequence[24]; /* a decimal number, or "" if the product has none */
	uint32_t first; /* its records are those from `first` to `end` - 1 */
	uint32_t end;
} products[MAX_PRODUCTS];
static size_t product_count;
static uint32_t entry_count; /* the number of entries of all these products together */

static _Noreturn void malformed(const char *reason)
{
	fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot read the trust index: %s", reason);
}

/* Ends the process, because the index ends before it is complete, as it does while it is copied. */
static _Noreturn void truncated(void)
{
	fail(UNDECIDED, "ERR_INDEX_FORMAT",
		"Cannot read the trust index: it is truncated; if nobody is copying it, install it again");
}

static _Noreturn void distrust(const char *code, const char *reason)
{
	fail(REFUSED, code, "Cannot trust the trust index: %s", reason);
}

/* Checks the result of a function of libcrypto that fails only if memory is lacking. */
static void require(int result)
{
	if (result != 1)
		fail(UNDECIDED, "ERR_INTERNAL", "Cannot digest: libcrypto failed");
}

/* Requires sealed memory. Then the index is exactly what the launcher opened and sealed. */
static void require_sealed(int descriptor)
{
	const int seals = fcntl(descriptor, F_GET_SEALS); /* -1 if it is no memfd */
	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		fail(REFUSED, "ERR_LAUNCH_RECORD", "Cannot use descriptor %d: it is not sealed memory",
			descriptor);
}

/* Returns a copy of the index in private, read-only memory that is never freed, and its length,
 * which is not 0. `file` and `descriptor` are those of load_index(). */
static const uint8_t *map_index(const char *file, int descriptor, size_t *length)
{
	struct stat status;
	if (descriptor < 0)
		descriptor = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	else
		require_sealed(descriptor);
	if (descriptor < 0 || fstat(descriptor, &status) != 0)
		fail(status_of(errno), "ERR_INDEX_FORMAT", "Cannot open the trust index \"%s\": %m", file);
	if (!S_ISREG(status.st_mode))
		malformed("it is not a regular file");
	if (status.st_size == 0)
		truncated();
	if (status.st_size > MAX_INDEX)
		malformed("it is larger than a trust index can be");
	*length = (size_t)status.st_size;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	uint8_t *memory = mmap(NULL, *length, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED)
		fail(status_of(errno), "ERR_LIMIT", "Cannot read the trust index: %m");
	const ssize_t count = read_all(descriptor, memory, *length);
	if (count != (ssize_t)*length)
		fail(UNDECIDED, "ERR_INDEX_FORMAT",
			"Cannot read the trust index: it changes while it is read");
	mprotect(memory, *length, PROT_READ);
	close(descriptor);
	return memory;
}

/* Returns true if the host configuration pins the signer's key, or if there is no host
 * configuration and this spython was built with the key. Otherwise an authority has to vouch for
 * the signer. Ends the process if none may, and if the signer is on the deny list. Sets
 * signer_hex. */
static bool is_pinned(X509 *certificate)
{
	uint8_t *key = NULL; /* SubjectPublicKeyInfo in DER; never freed */
	uint8_t key_digest[SHA256_BYTES];
	const int key_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	if (key_length <= 0)
		distrust("ERR_CERTIFICATE_FORMAT", "its signer's certificate cannot be read");
	require(EVP_Digest(key, (size_t)key_length, key_digest, NULL, EVP_sha256(), NULL));
	to_hex(key_digest, signer_hex);
	if (is_denied(certificate))
		distrust("ERR_DENIED", "the deny list names its signer");
	const bool is_known = rules.has_host_file
		? find_by(rules.pins, "spki-sha256", signer_hex) != NULL
		: strstr(SPYTHON_PINS, signer_hex) != NULL;
	if (!is_known && !has_authority_for(certificate))
		fail(REFUSED, "ERR_UNTRUSTED_SIGNER",
			"Cannot trust signer of key %s: %s\"%s\" neither pins it nor names an authority for it",
			signer_hex, rules.has_host_file ? "" : "it is not built into this spython, and ",
			rules.host_file);
	return is_known;
}

/* Checks the signer's certificate as packages/core/src/pki/chain.ts checks a certificate whose key
 * is pinned. The certificate needs no chain, but valid dates, extensions, purpose and key strength.
 * `at` is the time for which the dates are checked. `is_now` is true if it is the present time, and
 * not that of a timestamp. */
static void check_certificate(X509 *certificate, time_t at, bool is_now)
{
	const uint32_t flags = X509_get_extension_flags(certificate);
	const uint32_t usage = X509_get_key_usage(certificate);
	const uint32_t extended_usage = X509_get_extended_key_usage(certificate);
	if (X509_cmp_time(X509_get0_notBefore(certificate), &at) >= 0)
		fail(is_now ? UNDECIDED : REFUSED, "ERR_CERTIFICATE_NOT_YET_VALID",
			"Cannot trust the trust index: its signer's certificate is not valid yet; set the "
			"clock, "
			"if it is wrong");
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
			"a signed attribute that an index must have is missing, repeated or of another type");
	return value;
}

/* Requires the signed attribute messageDigest (RFC 5652, section 11.2) to match the content. */
static void require_message_digest(CMS_SignerInfo *signer, const uint8_t content[SHA256_BYTES])
{
	const ASN1_STRING *digest =
		signed_attribute(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
	if (ASN1_STRING_length(digest) != SHA256_BYTES ||
		memcmp(ASN1_STRING_get0_data(digest), content, SHA256_BYTES) != 0)
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

/* Requires CMS SignedData (RFC 5652) with a detached content of the type trust index, and with
 * exactly one signer. Returns the signer, which `cms` owns. */
static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms, const ASN1_OBJECT *content_type)
{
	ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	if (OBJ_cmp(CMS_get0_eContentType(cms), content_type) != 0 || inside == NULL ||
		*inside != NULL || sk_CMS_SignerInfo_num(signers) != 1)
		distrust("ERR_INDEX_FORMAT",
			"its signature is not that of a trust index, apart from it, by one signer");
	return sk_CMS_SignerInfo_value(signers, 0);
}

/* Requires a CMS signature by a trusted signer over the content with this SHA-256. The objects of
 * libcrypto that are made here are never freed, because this function runs once in a process. */
static void verify_signature(const uint8_t *der, size_t length, const uint8_t content[SHA256_BYTES])
{
	const ASN1_OBJECT *index_type = OBJ_txt2obj(INDEX_OID, 1);
	const uint8_t *end = der; /* becomes the end of the signature */
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &end, (long)length);
	if (cms == NULL || end != der + length || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		distrust("ERR_CMS_FORMAT", "its signature is not CMS SignedData, or has bytes behind it");
	CMS_SignerInfo *signer = only_signer(cms, index_type);
	if (CMS_set1_signers_certs(cms, NULL, 0) != 1)
		distrust("ERR_SIGNER_CERTIFICATE", "its signer's certificate is not in it");
	X509 *certificate = NULL;
	X509_ALGOR *digest_algorithm = NULL;
	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, &digest_algorithm, NULL);
	read_authorities();
	const bool has_pin = is_pinned(certificate);
	const time_t proven = proven_time(signer, certificate);
	const bool is_now = proven < 0;
	const time_t at = is_now ? time(NULL) : proven;
	check_certificate(certificate, at, is_now);
	if (!has_pin)
		require_chain(cms, certificate, at, is_now);
	if (OBJ_obj2nid(digest_algorithm->algorithm) != NID_sha256)
		distrust("ERR_UNSUPPORTED_ALGORITHM", "its digest is not SHA-256");
	if (CMS_SignerInfo_verify(signer) != 1)
		distrust("ERR_SIGNATURE", "the signature does not match what is signed");
	const ASN1_OBJECT *signed_type = signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT);
	if (OBJ_cmp(signed_type, index_type) != 0)
		distrust("ERR_SIGNED_ATTRIBUTES", "it is not signed as a trust index");
	require_message_digest(signer, content);
	require_signing_certificate(signer, certificate);
}

/* Digests the signed content and the whole file. The bytes before the signature are read once. */
static void digest_index(uint8_t of_content[SHA256_BYTES], uint8_t of_all[SHA256_BYTES])
{
	const uint8_t *signature = table.bytes + table.names_end;
	EVP_MD_CTX *all = EVP_MD_CTX_new();
	EVP_MD_CTX *content = EVP_MD_CTX_new();
	require(EVP_DigestInit_ex(all, EVP_sha256(), NULL));
	require(EVP_DigestUpdate(all, table.bytes, table.names_end));
	require(EVP_MD_CTX_copy_ex(content, all));
	require(EVP_DigestUpdate(all, signature, table.size - table.names_end));
	require(EVP_DigestFinal_ex(all, of_all, NULL));
	require(EVP_DigestFinal_ex(content, of_content, NULL));
}

/* Refuses the index if one of these digests is on the deny list. */
static void refuse_denied(const struct json *digests, const char *kind)
{
	EACH(digest, digests) {
		const char *reason = denied(kind, digest->text);
		if (reason != NULL)
			distrust("ERR_DENIED", reason);
	}
}

/* Returns true if the policy names this product, or no product at all. */
static bool is_in_policy(const char *name)
{
	if (IS_EMPTY(rules.policy_products))
		return true;
	EACH(each, rules.policy_products) {
		if (strcmp(each->text, name) == 0)
			return true;
	}
	return false;
}

/* Requires that policy and host configuration accept the product. `bound` is the product's object
 * in the host configuration, or null if there is none. */
static void require_accepted(
	const char *name, const struct json *sequence, const struct json *bound)
{
	const struct json *minimum = json_member(bound, "minimumSequence");
	if (!is_in_policy(name) || (bound == NULL && !IS_EMPTY(rules.products)))
		fail(REFUSED, "ERR_PRODUCT_MISMATCH",
			"Cannot use product \"%s\": the host configuration, or the policy, does not name it",
			name);
	if (minimum != NULL && (sequence == NULL || sequence->number < minimum->number))
		fail(REFUSED, "ERR_SEQUENCE",
			"Cannot use product \"%s\": this host demands a sequence of at least %lu; install a "
			"newer one",
			name, minimum->number);
}

/* Adds a product of the head. Its records follow those of the products that were added before. */
static void add_product(const struct json *described)
{
	const struct json *name = json_member(described, "name");
	const struct json *root = json_member(described, "root");
	const struct json *entries = json_member(described, "entries");
	const struct json *sequence = json_member(described, "sequence");
	if (product_count == MAX_PRODUCTS)
		malformed("its products are too many");
	const struct json *bound = find_by(rules.products, "name", name->text);
	require_accepted(name->text, sequence, bound);
	refuse_denied(json_member(described, "catalogs"), "catalog");
	const struct json *bound_root = json_member(bound, "root");
	const char *path = bound_root == NULL ? root->text : bound_root->text;
	const char *real = realpath(path, NULL);
	struct product *product = &products[product_count];
	product->name = name->text;
	product->root = real == NULL ? path : real;
	product->root_length = strlen(product->root);
	if (strcmp(product->root, "/") == 0)
		product->root_length = 0;
	if (sequence != NULL)
		snprintf(product->sequence, sizeof product->sequence, "%lu", sequence->number);
	/* The sum is at most MAX_PRODUCTS times MAX_ENTRIES, which is less than 2^32. */
	product->first = entry_count;
	product->end = entry_count + (uint32_t)entries->number;
	entry_count = product->end;
	product_count++;
}

/* Returns true if the first bytes of a signature in DER announce more bytes than there are. */
static bool is_cut(const uint8_t *der, size_t length)
{
	if (length < 2)
		return true;
	const bool is_short_form = der[1] < 0x80;
	const size_t digits = is_short_form ? 0 : der[1] & 0x7f;
	if (digits > 4)
		return false; /* No signature is so long, so this is refused later. */
	if (length < 2 + digits)
		return true;
	size_t announced = is_short_form ? der[1] : 0;
	for (size_t i = 0; i < digits; i++)
		announced = announced << 8 | der[2 + i];
	return announced <= MAX_SIGNATURE && announced > length - 2 - digits;
}

/* Sets `table` from the sizes in the header. The rest of the file, after the names, is the
 * signature. */
static void find_parts(const uint8_t *bytes, size_t length)
{
	const size_t head = read_u32(bytes + HEAD_BYTES_AT);
	const size_t entries = read_u32(bytes + ENTRIES_AT);
	const size_t names = read_u32(bytes + NAMES_BYTES_AT);
	if (head > MAX_HEAD || entries > MAX_ENTRIES || names > MAX_NAMES)
		fail(REFUSED, "ERR_LIMIT",
			"Cannot read the trust index: its header gives a part more than the format allows");
	const size_t records_start = HEADER + head;
	const size_t names_start = records_start + entries * RECORD_BYTES;
	const size_t names_end = names_start + names;
	if (names_end >= length || is_cut(bytes + names_end, length - names_end))
		truncated();
	if (length - names_end > MAX_SIGNATURE)
		malformed("its signature is too large");
	table = (struct index_table){
		.bytes = bytes,
		.size = length,
		.records_start = (uint32_t)records_start,
		.names_start = (uint32_t)names_start,
		.names_end = (uint32_t)names_end,
	};
}

/* Reads the head, which contains policy and products. The signature must be verified before. */
static void read_head(int mode_asked)
{
	const size_t length = table.records_start - HEADER;
	/* The text is shorter than `length` if the head contains a NUL. Then it is refused, because
	 * JSON contains no NUL. */
	char *text = strndup((const char *)table.bytes + HEADER, length);
	const struct json *values[HEAD_MEMBERS];
	struct fault fault;
	if (!read_members(keep_json(text, length), HEAD, values, &fault))
		fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot use the head of the trust index: \"%s\" %s",
			fault.at, fault.why);
	if (values[HEAD_NOT_AFTER] != NULL)
		not_after = values[HEAD_NOT_AFTER]->number;
	if (is_index_expired())
		fail(REFUSED, "ERR_INDEX_EXPIRED",
			"Cannot use the trust index: it has expired; compile it again");
	refuse_denied(values[HEAD_SIGNERS], "key");
	const char *reason = denied("catalog", index_hex);
	if (reason == NULL)
		reason = denied("catalog", content_hex);
	if (reason != NULL)
		distrust("ERR_DENIED", reason);
	read_policy(values[HEAD_POLICY], mode_asked);
	EACH(product, values[HEAD_PRODUCTS])
		add_product(product);
	if ((size_t)entry_count * RECORD_BYTES != table.names_start - table.records_start)
		malformed("its products together have another number of entries than its header says");
}

/* Starts the libcrypto that is linked into spython, which is separate from the program's libcrypto.
 * spython's libcrypto needs no configuration of the system, no error texts, and no names of
 * algorithms except SHA-2. It must not clean up when the process exits, because threads may still
 * digest then. */
static void start_libcrypto(void)
{
	const uint64_t options = OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG |
		OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
		OPENSSL_INIT_NO_ADD_ALL_DIGESTS;
	require(OPENSSL_init_crypto(options, NULL));
	/* libcrypto looks hash functions up by name for certificates and timestamps, and keeps the
	 * result of the first look-up. So the names must be known before any hash function is used. */
	require(EVP_add_digest(EVP_sha256()));
	require(EVP_add_digest(EVP_sha384()));
	require(EVP_add_digest(EVP_sha512()));
}

void load_index(const char *file, int descriptor, int mode_asked)
{
	size_t length;
	uint8_t of_content[SHA256_BYTES];
	uint8_t of_all[SHA256_BYTES];
	const uint8_t *bytes = map_index(file, descriptor, &length);
	if (memcmp(bytes, MAGIC, length < sizeof MAGIC ? length : sizeof MAGIC) != 0)
		malformed("it does not begin as one");
	if (length < HEADER)
		truncated();
	if (read_u32(bytes + VERSION_AT) != INDEX_VERSION)
		malformed("it is not one of version 1");
	find_parts(bytes, length);
	start_libcrypto();
	digest_index(of_content, of_all);
	to_hex(of_all, index_hex);
	to_hex(of_content, content_hex);
	verify_signature(bytes + table.names_end, length - table.names_end, of_content);
	read_head(mode_asked);
}

void announce(const char *missing)
{
	for (size_t i = 0; i < product_count; i++) {
		const struct product *product = &products[i];
		raise_event("catalog.load", ALLOW, "sha256", index_hex, "product", product->name,
			"#sequence", product->sequence, "signer", signer_hex, NULL);
	}
	const enum verdict verdict = rules.mode <= MODE_AUDIT ? AUDIT : ALLOW;
	raise_event("verifier.start", verdict, "mode", MODE_NAMES[rules.mode], "index", index_hex,
		"signer", signer_hex, "tier", "CPython " SPYTHON_VERSION, "missing", missing, NULL);
}

int is_index_expired(void)
{
	return (uint64_t)time(NULL) > not_after / 1000;
}

/* Returns the product whose root is the closest directory above this path, or null. So a product
 * inside the tree of another product decides about the files below its root. */
static const struct product *product_of(const char *path)
{
	const struct product *closest = NULL;
	for (size_t i = 0; i < product_count; i++) {
		const struct product *product = &products[i];
		const size_t length = product->root_length;
		const bool is_below = strncmp(path, product->root, length) == 0 && path[length] == '/';
		if (is_below && (closest == NULL || length > closest->root_length))
			closest = product;
	}
	return closest;
}

static uint64_t read_u64(const uint8_t *at)
{
	return read_u32(at) | (uint64_t)read_u32(at + 4) << 32;
}

struct entry find_entry(const char *path)
{
	const struct product *product = product_of(path);
	if (product == NULL)
		return (struct entry){0};
	struct entry entry = {
		.product = product->name,
		.name = path + product->root_length + 1,
	};
	const size_t name_length = strlen(entry.name);
	const int64_t number =
		find_record(&table, product->first, product->end, entry.name, name_length);
	if (number < 0)
		return entry;
	const uint8_t *record = table.bytes + table.records_start + (size_t)number * RECORD_BYTES;
	const uint16_t kind = read_u16(record + KIND_AT);
	if (kind == FILE_KIND)
		entry.digest = record + DIGEST_AT;
	if (kind == LINK_KIND) {
		/* The target follows the path in the names. find_record() has checked that the path ends
		 * inside the names, so `target` is at most names_end. */
		const uint64_t size = read_u64(record + SIZE_AT);
		const uint64_t target = table.names_start + (uint64_t)read_u32(record) + name_length;
		if (size <= table.names_end - target) {
			entry.target = (const char *)table.bytes + target;
			entry.target_length = size;
		}
	}
	return entry;
}
