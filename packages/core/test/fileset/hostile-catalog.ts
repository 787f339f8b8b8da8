/** Writes signed catalogs that `sign` would refuse to write. */

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ENTRY_KIND, type Manifest } from "../../dist/fileset/manifest.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { encodeUnsigned, signEncoded } from "../../dist/formats/cat-envelope.js";
import type { CatalogFacts } from "../../dist/formats/cat-facts.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { certificateFor, p256 } from "../signer/material.js";

const key = p256();
const certificate = certificateFor(key);
export const signer = signerFromKey(key, [certificate]);
export const trust = trustFromCertificates([certificate]);

/** Writes the catalog of `root` for files with these paths, each of which contains "1". Returns the catalog's path. */
export async function writeHostileCatalog(
	root: string,
	paths: readonly string[],
	rules: Partial<CatalogFacts>,
	{ signature = "signed" }: { readonly signature?: "signed" | "none" } = {},
): Promise<string> {
	const catalog = join(root, `${basename(root)}.cat`);
	const facts: CatalogFacts = {
		...({ modes: "none", links: "record", caseCollisions: "refuse", scope: "root", include: [], ignore: [] } as const),
		emptyFiles: new Map(),
		symbolicLinks: new Map(),
		...rules,
	};
	const list = encodeCatalog(manifestOf(paths), facts, { thisUpdate: Date.now() });
	const pieces = signature === "none" ? encodeUnsigned(list) : (await signEncoded(list, signer, {})).pieces;
	writeFileSync(catalog, Buffer.concat(pieces));
	return catalog;
}

function manifestOf(paths: readonly string[]): Manifest {
	const count = paths.length;
	const texts = paths.map((path) => Buffer.from(path));
	const pathOffsets = new Uint32Array(count + 1);
	for (const [index, text] of texts.entries()) pathOffsets[index + 1] = pathOffsets[index] + text.length;
	const digest = createHash("sha256").update("1").digest();
	return {
		root: "/",
		count,
		pathBytes: Buffer.concat(texts),
		pathOffsets,
		kinds: new Uint8Array(count).fill(ENTRY_KIND.file),
		modes: new Uint16Array(count).fill(0o644),
		sizes: new Float64Array(count).fill(1),
		digestBytes: 32,
		digests: Buffer.concat(paths.map(() => digest)),
		linkTargets: new Map(),
		ignoredCount: 0,
		problems: [],
	};
}
