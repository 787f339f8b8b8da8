/* Reads the trust index, which says what content each path of a product must have.
 * docs/reference/trust-index.md has the layout.
 *
 * Guarantees that the signature over the received bytes is verified (index-signature.c) before
 * head, records or names are read. Until then only the sizes in the header are used, and these are
 * checked against limits. Afterwards the signer is trusted, but even then no byte outside of the
 * index is read. The bytes cannot change after they were verified (index-bytes.c). A fault in the
 * index ends the process. */
#define _GNU_SOURCE
#include "index.h"
#include "../shared/process/decisions.h"
#include "index-bytes.h"
#include "products.h"
#include <stdbool.h>
#include <string.h>

/* The magic bytes at the beginning. */
static const uint8_t MAGIC[8] = {0x89, 'S', 'I', 'G', 'X', '\r', '\n', 0x1a};

enum { INDEX_VERSION = 1 };

/* The limits. They are in bytes, except that of entries. */
enum {
	MAX_HEAD = 1 << 21,
	MAX_ENTRIES = 1 << 21,
	MAX_NAMES = 1 << 29,
	MAX_SIGNATURE = 1 << 20,
};

/* Takes the digests of an index that root has digested. The launcher passes both or none. */
static void take_digests(void)
{
	const bool is_shared = rules.launched && rules.index_sha256 != NULL;
	if (!is_shared)
		return;
	if (rules.content_sha256 == NULL || !is_sha256_hex(rules.index_sha256) ||
		!is_sha256_hex(rules.content_sha256))
		fail(REFUSED, "ERR_LAUNCH_RECORD",
			"Cannot use the digests of the index: they are no SHA-256");
	memcpy(loaded.digests.index, rules.index_sha256, sizeof loaded.digests.index);
	memcpy(loaded.digests.content, rules.content_sha256, sizeof loaded.digests.content);
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
	const size_t records_start = HEADER_BYTES + head;
	const size_t names_start = records_start + entries * RECORD_BYTES;
	const size_t names_end = names_start + names;
	if (names_end >= length || is_cut(bytes + names_end, length - names_end))
		truncated();
	if (length - names_end > MAX_SIGNATURE)
		malformed("its signature is too large");
	loaded.table = (struct index_table){
		.bytes = bytes,
		.size = length,
		.records_start = (uint32_t)records_start,
		.names_start = (uint32_t)names_start,
		.names_end = (uint32_t)names_end,
	};
}

/* Returns the policy of the head, which has either a signed policy or one without a signature of
 * its own. Returns null if the host demands a signed policy and the head has none. The signature is
 * verified only for hosts that demand one. Ends the process if the head has no policy. */
static const struct json *policy_of(const struct json *const *values)
{
	const struct json *document = values[HEAD_SIGNED_POLICY_DOCUMENT];
	const struct json *signature = values[HEAD_SIGNED_POLICY_SIGNATURE];
	if (document == NULL && values[HEAD_POLICY] == NULL)
		fail(REFUSED, "ERR_POLICY", "Cannot use the policy: the trust index has none");
	if (document == NULL)
		return rules.policy_signers == NULL ? values[HEAD_POLICY] : NULL;
	if (values[HEAD_POLICY] != NULL)
		malformed("it has a policy beside the signed one");
	const size_t length = strlen(document->text);
	if (length > MAX_POLICY_BYTES)
		fail(REFUSED, "ERR_POLICY", "Cannot use the signed policy: it is larger than %d bytes",
			MAX_POLICY_BYTES);
	if (rules.policy_signers != NULL && !rules.is_verified)
		verify_policy(document->text, length, signature->text);
	const struct json *policy = keep_json(keep_string(document->text, length), length);
	if (policy == NULL)
		fail(REFUSED, "ERR_POLICY", "Cannot use the signed policy: it is not JSON");
	return policy;
}

/* Reads the head, which contains policy and products. The signature must be verified before. */
static void read_head(int mode_asked)
{
	const size_t length = loaded.table.records_start - HEADER_BYTES;
	/* The text is shorter than `length` if the head contains a NUL. Then it is refused, because
	 * JSON contains no NUL. */
	char *text = keep_string((const char *)loaded.table.bytes + HEADER_BYTES, length);
	const struct json *values[HEAD_MEMBERS];
	struct fault fault;
	if (!read_members(keep_json(text, length), HEAD, values, &fault))
		fail(REFUSED, "ERR_INDEX_FORMAT", "Cannot use the head of the trust index: \"%s\" %s",
			fault.at, fault.why);
	if (values[HEAD_NOT_AFTER] != NULL) {
		loaded.not_after = values[HEAD_NOT_AFTER]->number;
		if ((uint64_t)time(NULL) > loaded.not_after / 1000)
			fail(REFUSED, "ERR_INDEX_EXPIRED",
				"Cannot use the trust index: it has expired; compile it again");
		end_at(END_OF_INDEX, loaded.not_after);
	}
	loaded.compiled = values[HEAD_COMPILED];
	loaded.file_texts = values[HEAD_FILE_TEXTS];
	loaded.texts = values[HEAD_TEXTS];
	EACH(signer, values[HEAD_SIGNERS])
		refuse_denied("key", signer->text);
	refuse_denied("catalog", loaded.digests.index);
	refuse_denied("catalog", loaded.digests.content);
	read_policy(policy_of(values), mode_asked);
	EACH(product, values[HEAD_PRODUCTS])
		add_product(product);
	if ((size_t)loaded.entry_count * RECORD_BYTES !=
		loaded.table.names_start - loaded.table.records_start)
		malformed("its products together have another number of entries than its header says");
}

void load_index(const char *file, int descriptor, int mode_asked)
{
	size_t length;
	require_clock();
	require_somebody();
	const uint8_t *bytes = map_index(file, descriptor, &length);
	if (memcmp(bytes, MAGIC, length < sizeof MAGIC ? length : sizeof MAGIC) != 0)
		malformed("it does not begin as one");
	if (length < HEADER_BYTES)
		truncated();
	if (read_u32(bytes + VERSION_AT) != INDEX_VERSION)
		malformed("it is not one of version 1");
	find_parts(bytes, length);
	take_digests();
	if (!rules.is_verified)
		verify_index(bytes, loaded.table.names_end, length, &loaded.digests);
	read_head(mode_asked);
	prepare_contents();
}
