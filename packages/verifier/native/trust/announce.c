/* Tells what a process trusts when it starts. Decides nothing. */
#define _GNU_SOURCE
#include "index.h"
#include "../shared/events/start-facts.h"
#include <stdio.h>

/* Writes the names of the products with their sequences, such as `app@3 python`. What does not fit
 * is cut. */
static void write_products(char *text, size_t room)
{
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < loaded.product_count && length < room; i++) {
		const struct product *product = &loaded.products[i];
		const char *space = i == 0 ? "" : " ";
		const char *at = *product->sequence == '\0' ? "" : "@";
		length += (size_t)snprintf(
			text + length, room - length, "%s%s%s%s", space, product->name, at, product->sequence);
	}
}

void announce(const char *missing, const char *script)
{
	struct start_facts facts;
	char names[4096];
	char sequence[24] = "";
	char end[TIME_ROOM];
	char signer_end[TIME_ROOM];
	for (size_t i = 0; i < loaded.product_count; i++) {
		const struct product *product = &loaded.products[i];
		raise_event("catalog.load", ALLOW, "sha256", loaded.digests.index, "product", product->name,
			"#sequence", product->sequence, "signer", loaded.digests.signer, NULL);
	}
	find_start_facts(&facts);
	write_products(names, sizeof names);
	if (loaded.compiled != NULL)
		snprintf(sequence, sizeof sequence, "%lu", loaded.compiled->number);
	text_of_time(loaded.not_after, end);
	text_of_time((uint64_t)loaded.digests.signer_end * 1000, signer_end);
	const enum verdict verdict = rules.mode <= MODE_AUDIT ? RECORD : ALLOW;
	raise_event("verifier.start", verdict, "mode", MODE_NAMES[rules.mode], "index",
		loaded.digests.index, "#compiled", sequence, "notAfter", end, "signer",
		loaded.digests.signer, "signerNotAfter", signer_end, "products", names, "tier",
		program.tier, "version", program.version, "script", script, "unit", facts.unit, "#uid",
		facts.uid, "host", facts.host, "missing", missing, NULL);
	tell_ends();
}
