/* Lists the content that belongs to no signed file, because it is of Node.js or of sigtool itself.
 * A test finds these texts in each release of Node.js. */
#include "../shared/files/owned-file.h"
#include "../shared/digest/sha256.h"
#include "../shared/process/decisions.h"
#include "gate.h"
#include <stdlib.h>
#include <string.h>

/* The parts that the launcher has digested: the hook and its addon. */
enum { MAX_PARTS = 2 };
static DECIDES const char *parts[MAX_PARTS];
static DECIDES size_t part_count;

/* Texts that Node.js compiles from literals in its sources. V8 copies a literal into its heap, so
 * is_own_source() does not know it by its place. */
static const char *const TEXTS[] = {
	/* `this`: the global object of another realm */
	"1eb79602411ef02cf6fe117897015fff89f80face4eccd50425c45149b148408",
	/* `Object.getOwnPropertyNames(globalThis)`, by node:repl */
	"21f490174dd06ee6ed0c729ae45b963c3d87b8d15ada605bd741ffc2c51ed58b",
	/* the module that require() puts around an ES module, with `export * from 'original'` */
	"ce57107450a2fd5159545ef67f125f3b64e0d11148596235884d2787f8a08e1e",
	/* the function structuredStack(), by which Buffer() finds its caller */
	"74624fddc8f672961098f19cb2afcbff94c92d21ceb1540c96eaba77d9479b51",
	/* the module by which the hook takes part in the loader thread of Node.js 20 (node/legacy/) */
	"cddb16f41c60c149cd79257c7f2e5478a5591da601509f1205dd5da84c79841a",
};

/* The WebAssembly in Node.js, as in node/guards/node-web-assembly.ts. */
static const char *const WEB_ASSEMBLY[] = {
	/* These are the CommonJS lexers of Node.js 20 and 22. */
	"ddea0f1cce22055369eecdb67b58991cd76610872f62f0f2999d93f3c2851912",
	"261278e84d64d4a0940ac790f62d011cf50fd3bf8764e7360108fb3b4f56b0e3",
	/* These are the type strippers, first of Node.js 22, then of 24 and 26. */
	"2c8132e2c965a6a10024bf83dcee287fe15a0cb90f987394d1f9f3d68053a851",
	"79c79a0be6c92c7d8a1968cb1a7bed88737755d38d2b47ddfe4da5e51796a4e9",
	/* These are the HTTP parsers of fetch in Node.js 20, 22, 24 and 26, each without and with
	   vector instructions. */
	"26c7a79f7ea1ea804d14ff6d90927af37d85e263ad66ba3f6751741f9e47e192",
	"2ab8c6e07cfae05cfc0925627c2ddbf1c02c330a74a0af554fe1ab405f3ef88b",
	"b96063c7ce14045f91f17489d8b30a2bf5129308bd801d7dde715579d16d0e21",
	"989f2025b23e92ae5093ceb357093df7bdf2e1e7f1f1bf383b0a4dc69a78151d",
	"57184a16144b5bc880e29105fa35d75c93dd318563e1b743e110de845e2ab661",
	"2434215e1f7fa0163f22ce895ddbeb83984fa0aa51e123164e053213e5aca028",
	"ab4573a06c43574936dc98c3943b10a4ee32798e9797329e9f327e5f64115f54",
	"18403ee56fab07f89a845028bad358bb3ebcda213f8e2ec0989a991e9c33da69",
};

static bool is_in(const char *const *list, size_t count, const uint8_t digest[SHA256_BYTES])
{
	char hex[SHA256_HEX + 1];
	to_hex(digest, hex);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], hex) == 0)
			return true;
	}
	return false;
}

void accept_part(const char *sha256)
{
	if (part_count < MAX_PARTS)
		parts[part_count++] = sha256;
}

bool is_part(const uint8_t digest[SHA256_BYTES])
{
	return is_in(parts, part_count, digest);
}

/* The digests of the sources of Node.js that a distribution keeps in files. */
enum { MAX_SOURCE_FILES = 64, MAX_SOURCE_BYTES = 1 << 24 };
static DECIDES uint8_t sources[MAX_SOURCE_FILES][SHA256_BYTES];
static DECIDES size_t source_count;

/* AddExternalizedBuiltin(this, id, file) */
void accept_source_file(struct arguments *arguments)
{
	const char *why;
	const char *path = arguments->at[2];
	if (has_program_begun() || source_count == MAX_SOURCE_FILES)
		return;
	char *text = malloc(MAX_SOURCE_BYTES);
	const ssize_t length =
		text == NULL ? -1 : read_owned(path, TRUST_LINKS, text, MAX_SOURCE_BYTES, &why);
	if (length >= 0)
		sha256_bytes(text, (size_t)length, sources[source_count++]);
	free(text);
}

static bool is_source_file(const uint8_t digest[SHA256_BYTES])
{
	for (size_t i = 0; i < source_count; i++) {
		if (memcmp(sources[i], digest, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

bool is_known_text(const uint8_t digest[SHA256_BYTES])
{
	return is_source_file(digest) || is_in(TEXTS, sizeof TEXTS / sizeof *TEXTS, digest);
}

bool is_known_wasm(const uint8_t digest[SHA256_BYTES])
{
	return is_in(WEB_ASSEMBLY, sizeof WEB_ASSEMBLY / sizeof *WEB_ASSEMBLY, digest);
}
